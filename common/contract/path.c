#include "common/contract/path.h"

#include "common/core/slice.h"

#include <stdio.h>
#include <string.h>

/* Puts the piece before what is there already; the text grows from the end of the buffer to its start. */
static char *put_before(char *start, const char *floor, const char *piece, size_t size)
{
    size_t room = (size_t)(start - floor);
    size_t kept = size < room ? size : room;
    return memcpy(start - kept, piece + (size - kept), kept);
}

static char *put_name_before(char *start, const char *floor, const char *snake)
{
    char camel[PATH_SIZE];
    size_t size = 0;
    for (const char *c = snake; *c != '\0' && size < sizeof camel; c++) {
        if (*c == '_' && c[1] != '\0') {
            camel[size++] = ascii_upper(*++c);
        } else {
            camel[size++] = *c;
        }
    }
    return put_before(start, floor, camel, size);
}

static const char *spell(const struct path *path, bool last_index, char *out)
{
    char *start = out + PATH_SIZE - 1;
    *start = '\0';
    for (const struct path *step = path; step != NULL; step = step->above) {
        if (step->field->label == PROTOBUF_C_LABEL_REPEATED && (last_index || step != path)) {
            char index[32];
            int size = snprintf(index, sizeof index, "[%zu]", step->index);
            start = put_before(start, out, index, (size_t)size);
        }
        start = put_name_before(start, out, step->field->name);
        if (step->above != NULL) {
            start = put_before(start, out, ".", 1);
        }
    }
    return start;
}

const char *path_text(const struct path *path, char out[static PATH_SIZE])
{
    return spell(path, true, out);
}

const char *path_text_of_list(const struct path *path, char out[static PATH_SIZE])
{
    return spell(path, false, out);
}
