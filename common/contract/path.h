/* Where a complaint is: the way from the outermost message to a field, in the words of JSON:
 * `patient.conditions[3].code`.
 *
 * The steps lie on the stacks of the walks that take them; a text is made only when there is something to complain of.
 */
#ifndef CASEBUS_CONTRACT_PATH_H
#define CASEBUS_CONTRACT_PATH_H

#include "common/core/fault.h"

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#define PATH_SIZE 160 /* With the NUL; a longer path loses its beginning. */

struct path {
    const struct path *above; /* NULL at the outermost message. */
    const ProtobufCFieldDescriptor *field;
    size_t index; /* In a list. */
};

/* The text of the path. NULL is the message itself, and gives "". */
const char *path_text(const struct path *path, char out[static PATH_SIZE]);

/* The path without the index of its last step: a list as a whole. */
const char *path_text_of_list(const struct path *path, char out[static PATH_SIZE]);

#endif
