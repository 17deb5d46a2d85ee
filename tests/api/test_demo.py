"""./demo does what it says: starts, loads, serves, prints commands that work, stops on Ctrl-C, and finds its
data again.  Only where the program under test is the one that ./demo builds."""

import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import harness
from harness import Output

BUILT = os.path.join(harness.ROOT, "build", "quern")


@unittest.skipUnless(os.path.realpath(harness.program()) == BUILT, "another program is under test")
class DemoTest(unittest.TestCase):
    def setUp(self):
        self.folder = harness.private_folder()
        self.addCleanup(shutil.rmtree, self.folder, True)

    def start(self, *arguments):
        command = [os.path.join(harness.ROOT, "demo"), "--port", "0", "--data", os.path.join(self.folder, "data"), *arguments]
        demo = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                env=harness.clean_environment(), start_new_session=True)
        self.addCleanup(demo.wait)
        self.addCleanup(demo.kill)
        output = Output(demo.stdout)
        if not output.wait_for("Ctrl-C stops everything", 300):
            self.fail(output.text())
        return demo, output.text()

    def stop(self, demo):
        os.killpg(demo.pid, signal.SIGINT)
        self.assertEqual(demo.wait(30), 0)

    def test_the_demo(self):
        demo, shown = self.start()
        self.assertIn("Loading sample data", shown)
        commands = re.findall(r"^  (curl .*?)(?=\n\n)", shown, re.MULTILINE | re.DOTALL)
        self.assertEqual(len(commands), 5, shown)
        answers = [subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, timeout=30).stdout.decode() for command in commands]
        for answer, words in zip(answers, ('"total_votes":', '{"count":', 'statements;desc="1"', '{"updated":', '"suggestion":"title"')):
            self.assertIn(words, answer)
        address = re.search(r"http://127\.0\.0\.1:\d+", shown).group(0)
        counts = subprocess.run(["curl", "-s", address + "/api/article/count", address + "/api/vote/count"],
                                stdout=subprocess.PIPE).stdout.decode()
        articles, votes = map(int, re.findall(r"\d+", counts))
        self.assertGreaterEqual(articles, 1000)
        self.assertGreaterEqual(votes, 20000)
        self.stop(demo)

        begun = time.monotonic()
        demo, shown = self.start()
        self.assertNotIn("Loading sample data", shown)
        self.assertLess(time.monotonic() - begun, 20)
        self.stop(demo)

        demo, shown = self.start("--reset")
        self.assertIn("Loading sample data", shown)
        self.stop(demo)

    def test_a_folder_that_is_not_the_demos_is_left_alone(self):
        kept = os.path.join(self.folder, "kept")
        with open(kept, "w", encoding="ascii") as file:
            file.write("mine")
        done = subprocess.run([os.path.join(harness.ROOT, "demo"), "--reset", "--data", self.folder], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertTrue(os.path.exists(kept))


if __name__ == "__main__":
    unittest.main()
