/* Ids: opaque strings with a checked form, and where their state lives.
 *
 * A fresh id is made of the id of the command that asks for it and a number, so that deciding again makes the same ids:
 * 26 lower-case characters of base 32 (digits and letters without i, l, o, u) that spell 16 bytes. A fresh root, such
 * as a case, says its partition first: "0a7-" and 26 characters. What hangs under a root is "<root id>.<letter><n>". */
#ifndef CORE_ID_H
#define CORE_ID_H

#include <stdbool.h>
#include <stdint.h>

#define PARTITIONS         256
#define ID_LENGTH_MAX      96
#define ID_SIZE            (ID_LENGTH_MAX + 1)
#define ID_FRESH_SIZE      27 /* with the NUL, as all sizes here */
#define ID_ROOT_FRESH_SIZE 31

/* The n-th fresh id of a command. */
void id_fresh(char out[static ID_FRESH_SIZE], const char *command_id, uint64_t n);

/* The n-th fresh root id of a command; not the same characters as id_fresh gives for that n. */
void id_root_fresh(char out[static ID_ROOT_FRESH_SIZE], const char *command_id, uint64_t n);

/* "<root id>.<letter><n>". False, `out` untouched, when the result would be too long. */
bool id_under(char out[static ID_SIZE], const char *root_id, char letter, uint64_t n);

/* Spells 16 bytes. */
void id_spell(char out[static ID_FRESH_SIZE], const uint8_t bytes[static 16]);

/* 1 to ID_LENGTH_MAX of letters, digits, '.', '_', '-', beginning with a letter or digit. So no id can break a key, a
 * log line or a path. Names of tenants have the same form. */
bool id_is_valid(const char *id);

/* Where a root lives: in the partition that its id says ("0a7-..."), or in the one its tenant and id hash to. */
uint32_t partition_of(const char *tenant, const char *root_id);

#endif
