-- Rows for a first look, for the models of staff.json, news.json and fleet_grants.json:
-- what ./demo loads into empty tables.  The same rows every time: what looks random is
-- taken from MD5 sums of row numbers.  Some articles draw most of the votes, as they do.
BEGIN;

-- A number from 0 up to 1, by a row's number and a word that keeps uses apart.
CREATE FUNCTION pg_temp.u(n bigint, use text) RETURNS double precision
LANGUAGE sql IMMUTABLE
RETURN ('x' || substr(md5(use || n), 1, 8))::bit(32)::bigint / 4294967296.0::double precision;

CREATE FUNCTION pg_temp.pick(n bigint, use text, choices text[]) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN choices[1 + floor(pg_temp.u(n, use) * cardinality(choices))::int];

CREATE TEMP TABLE words ON COMMIT DROP AS
SELECT
	ARRAY['Alice', 'Amara', 'Anders', 'Bogdan', 'Camille', 'Chidi', 'Daniela', 'Elif', 'Emeka', 'Farah', 'Grace',
	      'Hana', 'Henrik', 'Ines', 'Ivan', 'Jane', 'John', 'Johnny', 'Kaito', 'Lena', 'Liam', 'Lucía', 'Magnus', 'Mei',
	      'Mira', 'Nadia', 'Noor', 'Olga', 'Omar', 'Paulo', 'Petra', 'Priya', 'Rafael', 'Sakura', 'Samir', 'Sofia',
	      'Tariq', 'Tereza', 'Tomás', 'Uma', 'Viktor', 'Wanjiru', 'Xin', 'Yusuf', 'Zoë'] AS first,
	ARRAY['Adeyemi', 'Almeida', 'Andersson', 'Bauer', 'Becker', 'Carter', 'Chen', 'Costa', 'Dvořák', 'Eriksen',
	      'Fischer', 'Garcia', 'Haddad', 'Hughes', 'Ivanova', 'Jensen', 'Kaya', 'Kim', 'Kowalski', 'Lee', 'Lindqvist',
	      'Martin', 'Mensah', 'Moreau', 'Nakamura', 'Novák', 'O''Brien', 'Okafor', 'Öztürk', 'Patel', 'Petrov',
	      'Rahman', 'Rossi', 'Sato', 'Silva', 'Singh', 'Svensson', 'Tanaka', 'Virtanen', 'Weber', 'Yilmaz', 'Zhang'] AS last,
	ARRAY['A beginner''s guide to', 'A field guide to', 'A week with', 'After ten years of', 'Five myths about',
	      'How we moved to', 'In praise of', 'Lessons from', 'Letters about', 'Rethinking', 'The case against',
	      'The hidden cost of', 'The quiet return of', 'What nobody says about', 'Why we still need'] AS opener,
	ARRAY['balcony gardens', 'blameless reviews', 'board games', 'bread at altitude', 'code review', 'community radio',
	      'database migrations', 'developer tools', 'devops', 'feature flags', 'film photography', 'fountain pens',
	      'home servers', 'infrastructure as code', 'keyboard shortcuts', 'library cards', 'long walks',
	      'mechanical watches', 'night trains', 'on-call ops', 'open data', 'paper maps', 'plain text', 'pour-over coffee',
	      'public transport', 'query planners', 'repair cafés', 'sea swimming', 'small teams', 'sourdough',
	      'static typing', 'street markets', 'tabletop infrared cameras', 'the four-day week', 'the humble spreadsheet',
	      'urban beekeeping', 'vinyl records', 'window functions', 'winter cycling', 'writing things down'] AS subject,
	ARRAY['It began with a question that nobody in the room could answer.', 'The first attempt failed, and that was the useful part.',
	      'Most of what follows was learned on a Tuesday.', 'There is a simpler way, and it is older than we are.',
	      'We measured before and after; the numbers are at the end.', 'None of this is new, which is rather the point.',
	      'A neighbour explained it to me over a fence.', 'The manual says otherwise, and the manual is wrong.',
	      'You will need patience, and a pencil.', 'What surprised us was how little it cost.',
	      'Readers wrote in to disagree, and some of them were right.', 'I would do it again tomorrow.'] AS sentence;

-- staff ----------------------------------------------------------------------

INSERT INTO role (name) VALUES ('Manager'), ('Tech Lead'), ('Senior Engineer'), ('Engineer'), ('Junior Engineer'),
	('Designer'), ('Product Owner'), ('Data Analyst'), ('Support Specialist'), ('Technical Writer');

INSERT INTO employee (role_id, full_name, years_of_service, salary, bonus, temp_field, is_active)
SELECT role, full_name, years, base + years * 120, round((base * pg_temp.u(n, 'bonus') / 10)::numeric, 2), NULL,
       pg_temp.u(n, 'active') < 0.9
FROM (
	SELECT n, role, pg_temp.pick(n, 'first', first) || ' ' || pg_temp.pick(n, 'last', last) AS full_name,
	       floor(18 * pg_temp.u(n, 'years') ^ 2)::int AS years,
	       (ARRAY[7200, 7600, 6800, 5400, 4100, 5000, 6200, 5100, 3900, 4700])[role] AS base
	FROM words, generate_series(1, 420) AS n,
	     LATERAL (SELECT (ARRAY[1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 5, 5, 6, 7, 8, 9, 9, 10])[1 + floor(19 * pg_temp.u(n, 'role'))::int] AS role) AS r
) AS made;

-- news -----------------------------------------------------------------------

INSERT INTO author (handle) VALUES ('jane_doe'), ('john'), ('jane');
INSERT INTO author (handle)
SELECT DISTINCT translate(lower(pg_temp.pick(n, 'handle', first) || '_' || pg_temp.pick(n, 'family', last)),
                          'áíëöüřž''', 'aieourz')
FROM words, generate_series(1, 900) AS n
ORDER BY 1;

INSERT INTO article (title, body, author_id, published)
SELECT pg_temp.pick(n, 'opener', opener) || ' ' || pg_temp.pick(n, 'subject', subject)
         || CASE floor(pg_temp.u(n, 'suffix') * 8) WHEN 0 THEN ', part two' WHEN 1 THEN ', revisited' WHEN 2 THEN ': a reply' ELSE '' END,
       sentence[1 + at] || ' ' || sentence[1 + (at + 1 + floor(5 * pg_temp.u(n, 'two'))::int) % 12] || ' '
         || sentence[1 + (at + 7 + floor(4 * pg_temp.u(n, 'three'))::int) % 12],
       CASE WHEN pg_temp.u(n, 'anonymous') < 0.04 THEN NULL
            ELSE 1 + floor(authors * pg_temp.u(n, 'author') ^ 3)::int END,
       pg_temp.u(n, 'published') < 0.85
FROM words, (SELECT count(*) AS authors FROM author) AS a, generate_series(1, 1500) AS n,
     LATERAL (SELECT floor(12 * pg_temp.u(n, 'one'))::int AS at) AS s;

-- The cube draws readers to a few articles: article numbers are shuffled by a stride.
INSERT INTO vote (author_id, article_id, created_at)
SELECT author, article, min(at)
FROM (
	SELECT 1 + floor(authors * pg_temp.u(n, 'voter') ^ 1.3)::bigint AS author,
	       1 + floor(1500 * pg_temp.u(n, 'read') ^ 3)::bigint * 641 % 1500 AS article,
	       timestamptz '2025-01-06 08:00:00+00' + pg_temp.u(n, 'when') * interval '540 days' AS at
	FROM (SELECT count(*) AS authors FROM author) AS a, generate_series(1, 36000) AS n
) AS drawn
GROUP BY author, article
ORDER BY min(at);

-- fleet ----------------------------------------------------------------------

INSERT INTO server (hostname, port)
SELECT stage || '-' || kind || '-' || lpad(n::text, 2, '0'), CASE WHEN kind = 'db' THEN 2222 ELSE 22 END
FROM unnest(ARRAY['prod', 'staging', 'test']) WITH ORDINALITY AS s(stage, first),
     unnest(ARRAY['web', 'api', 'db', 'queue', 'cache']) WITH ORDINALITY AS k(kind, second), generate_series(1, 8) AS n
ORDER BY first, second, n;
INSERT INTO server (hostname, port) VALUES ('db01.internal', 22), ('db02.internal', 22), ('backup.internal', 22), ('bastion.internal', 2200);

INSERT INTO administrator (name, email) VALUES ('Alex', 'alex@example.org');
INSERT INTO administrator (name, email)
SELECT name, translate(lower(replace(name, ' ', '.')), 'áíëöüřž''', 'aieourz')
         || CASE WHEN n % 3 = 0 THEN '@partner.example' ELSE '@company.com' END
FROM (SELECT n, pg_temp.pick(n, 'admin first', first) || ' ' || pg_temp.pick(n, 'admin last', last) AS name
      FROM words, generate_series(1, 24) AS n) AS made;

INSERT INTO accessgrant (admin_id, server_id, permission_level, is_active)
SELECT admin, server, CASE WHEN pg_temp.u(admin * 1000 + server, 'level') < 0.25 THEN 'admin' ELSE 'read' END,
       pg_temp.u(admin * 1000 + server, 'grant active') < 0.9
FROM generate_series(2, 25) AS admin, generate_series(1, 124) AS server
WHERE pg_temp.u(admin * 1000 + server, 'grant') < 0.12
UNION ALL SELECT 1, 121, 'read', true
ORDER BY 1, 2;

COMMIT;
ANALYZE;
