/* The log: one logfmt line per call on standard error.
 *
 *     time=2026-11-22T03:00:00.123Z level=info service=intake method=intake.EnrolCase actor=n1 case=0a7-... outcome=OK
 * ms=3
 *
 * Fields are ids, words, numbers and durations. There is none for free text: what is not a word is written as `?`, so
 * that no name, note or diagnosis can get into a log by mistake. */
#ifndef CASEBUS_SERVICE_LOG_H
#define CASEBUS_SERVICE_LOG_H

#include <stdint.h>

#include "common/core/text.h"

enum log_level {
    LOG_DEBUG, /* off */
    LOG_INFO,  /* once per call */
    LOG_WARN,  /* it healed itself */
    LOG_ERROR, /* a person must act */
};

/* One line in the making. */
struct log_line {
    enum log_level level;
    struct text text;
};

/* Of this process: lines below `level` are not written. `fd` is where they go. */
void log_open(const char *service, enum log_level level, int fd);
enum log_level log_level_of(const char *word);

/* Begins a line, names what happened (`method`), and ends it. Fields stand in the order in which they are added. */
void log_begin(struct log_line *line, enum log_level level, int64_t now_ms, const char *method);
void log_word(struct log_line *line, const char *key, const char *word); /* NULL and "" are left out */
void log_number(struct log_line *line, const char *key, int64_t number);
void log_end(struct log_line *line);

/* Lines written since the start, by level. */
uint64_t log_count(enum log_level level);

#endif
