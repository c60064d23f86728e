/* Names of people, made comparable.
 *
 * Folding writes a name as it would stand on a form without accents: "Mejía" -> "MEJIA", "O'Brien-Smith" ->
 * "OBRIENSMITH", "Łukasz" -> "LUKASZ", "Strauß" -> "STRAUSS". Letters of other scripts stay (Greek and Cyrillic as
 * capitals), so that two different names never become the same empty one. It is for finding, not for display, and not a
 * transliteration. */
#ifndef CORE_NAME_H
#define CORE_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define NAME_LETTERS_MAX 128                        /* letters of a name that take part; the rest is ignored */
#define NAME_SIZE        (4 * NAME_LETTERS_MAX + 1) /* room for a folded name                               */

/* Writes the folded name. Returns false, `out` empty, when nothing is left of it or when it is not UTF-8. */
bool name_fold(char out[static NAME_SIZE], const char *name);

/* How alike two folded names are by Jaro-Winkler (prefix weight 0.1, at most four letters), in ten-thousandths:
 * 10000 is the same, 0 has nothing in common. JANE and JAYNE: 9467. Whole numbers, so that every machine decides the
 * same. */
int name_likeness(const char *a, const char *b);

#endif
