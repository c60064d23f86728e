#include "common/service/log.h"

#include "common/core/instant.h"
#include "common/core/slice.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define WORD_BYTES_MAX 160 /* Longer than any id; what is longer is no word. */

static struct {
    const char *service;
    enum log_level level;
    int fd;
    uint64_t counts[LOG_ERROR + 1];
} process = {.service = "-", .level = LOG_INFO, .fd = STDERR_FILENO};

static const char *const LEVELS[] = {"debug", "info", "warn", "error"};

void log_open(const char *service, enum log_level level, int fd)
{
    process.service = service;
    process.level = level;
    process.fd = fd;
}

enum log_level log_level_of(const char *word)
{
    for (int level = LOG_DEBUG; level < LOG_ERROR; level++) {
        if (str_same(word, LEVELS[level])) {
            return (enum log_level)level;
        }
    }
    return LOG_ERROR;
}

void log_begin(struct log_line *line, enum log_level level, int64_t now_ms, const char *method)
{
    char time[INSTANT_SIZE];
    line->level = level;
    text_init(&line->text, TEXT_LINE_BYTES);
    text_add_field(&line->text, "time", instant_format(time, now_ms));
    text_add_field(&line->text, "level", LEVELS[level]);
    text_add_field(&line->text, "service", process.service);
    log_word(line, "method", method);
}

static bool is_word(const char *word)
{
    size_t size = strlen(word);
    for (size_t i = 0; i < size; i++) {
        if (!ascii_is_letter(word[i]) && !ascii_is_digit(word[i]) && strchr("._:/+-*", word[i]) == NULL) {
            return false;
        }
    }
    return size <= WORD_BYTES_MAX;
}

void log_word(struct log_line *line, const char *key, const char *word)
{
    if (!str_is_empty(word)) {
        text_add_field(&line->text, key, is_word(word) ? word : "?");
    }
}

void log_number(struct log_line *line, const char *key, int64_t number)
{
    text_add_field_int(&line->text, key, number);
}

/* A log that cannot be written does not stop the service. */
void log_end(struct log_line *line)
{
    process.counts[line->level]++;
    text_add_char(&line->text, '\n');
    if (line->level >= process.level && !line->text.overflowed) {
        ssize_t written;
        do {
            written = write(process.fd, line->text.at, line->text.size);
        } while (written < 0 && errno == EINTR);
    }
    text_done(&line->text);
}

uint64_t log_count(enum log_level level)
{
    return process.counts[level];
}
