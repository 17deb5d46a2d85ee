/* Reads and writes the folder of migration files; see migration_files.h. */
#include "config/migration_files.h"

#include "config/file.h"
#include "orm/wire/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct json_limits file_limits = {
	.bytes = 64 * 1024 * 1024, .depth = 100, .nodes = 2000000};

struct str migration_folder_path(struct arena *arena, const char *models)
{
	struct stat info;
	struct str rest = str_of(models);
	struct str first = stat(models, &info) == 0 ? rest : str_trim(str_cut(&rest, STR(",")));
	bool is_folder = stat(arena_cstr(arena, first), &info) == 0 && S_ISDIR(info.st_mode);
	while (!is_folder && first.n > 0 && first.p[first.n - 1] != '/')
		first.n--;
	if (first.n > 0 && first.p[first.n - 1] != '/')
		first = arena_concat(arena, first, STR("/"));
	return arena_concat(arena, first, STR("migrations"));
}

static int is_migration(const struct dirent *entry)
{
	struct str name = str_of(entry->d_name);
	return name.p[0] >= '0' && name.p[0] <= '9' && str_ends(name, STR(".json"));
}

static bool read_file(struct arena *arena, struct migration_file *file, struct buf *report)
{
	struct json_place place;
	struct error error;
	error_init(&error, arena);
	const char *problem =
		file_read(arena, arena_cstr(arena, file->path), file_limits.bytes, &file->text);
	if (problem) {
		buf_printf(report, "%.*s: %s\n", STR_ARG(file->path), problem);
		return false;
	}
	if (json_read_placed(arena, file->text, &file_limits, &file->document, &place, &error))
		return true;
	buf_printf(report, "%.*s:%u:%u: %.*s\n", STR_ARG(file->path), place.line, place.column,
	           STR_ARG(error.detail));
	return false;
}

bool migration_folder_read(struct arena *arena, struct str path, struct migration_folder *folder,
                           struct buf *report)
{
	struct dirent **entries;
	bool ok = true;
	*folder = (struct migration_folder){.path = path};
	int n = scandir(arena_cstr(arena, path), &entries, is_migration, alphasort);
	if (n < 0 && errno == ENOENT)
		return true;
	if (n < 0) {
		buf_printf(report, "%.*s: %s\n", STR_ARG(path), strerror(errno));
		return false;
	}
	folder->exists = true;
	for (int i = 0; i < n; i++) {
		struct str name = arena_str(arena, str_of(entries[i]->d_name));
		struct migration_file *file = ARENA_PUSH(arena, folder);
		*file = (struct migration_file){
			.name = arena_str(arena, str_sub(name, 0, name.n - strlen(".json"))),
			.path = arena_printf(arena, "%.*s/%.*s", STR_ARG(path), STR_ARG(name)),
		};
		ok = read_file(arena, file, report) && ok;
		free(entries[i]);
	}
	free(entries);
	return ok;
}

static const char *write_all(int fd, struct str text)
{
	while (text.n > 0) {
		ssize_t n = write(fd, text.p, text.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return strerror(errno);
		text = str_sub(text, (size_t)n, text.n - (size_t)n);
	}
	return fsync(fd) == 0 ? NULL : strerror(errno);
}

/* Under another name first: nobody reads half a file. */
const char *migration_folder_write(struct arena *arena, const struct migration_folder *folder,
                                   struct str name, struct str text)
{
	const char *path =
		arena_printf(arena, "%.*s/%.*s.json", STR_ARG(folder->path), STR_ARG(name)).p;
	const char *part = arena_printf(arena, "%s.part", path).p;
	if (mkdir(arena_cstr(arena, folder->path), 0777) != 0 && errno != EEXIST)
		return strerror(errno);
	if (access(path, F_OK) == 0)
		return "there is a file of that name";
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return strerror(errno);
	const char *problem = write_all(fd, text);
	if (close(fd) != 0 && !problem)
		problem = strerror(errno);
	if (!problem && rename(part, path) != 0)
		problem = strerror(errno);
	if (problem)
		unlink(part);
	return problem;
}
