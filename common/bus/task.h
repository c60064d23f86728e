#pragma once

/* A task as it lies in a lane of the store: exactly one record, packed by the service whose commit asks for it.
 *
 *     a command to a service      verb CMD, lane = the service's name; envelope and sealed body as a client would send
 * them a question to the outside   verb TASK, lane = `payer/...` or `channel/...`; body sealed with the lane's key. The
 * envelope names who asked (asker) and the aggregate that waits for the answer (root, kind, key)
 *
 * The broker sends the record on as it is, with its own tag and attempt, and adds lane and entry to the end of the
 * envelope: fields of a protobuf may be appended without packing it again. An ANSWER repeats tenant, root, kind, key,
 * asker, lane and entry, and is routed to the asker; the commit that handles it removes the entry. */

#include "common/bus/frame.h"

/* Lends from the bytes. False when they are not exactly one record with verb CMD or TASK. */
static inline bool task_parse(const void *bytes, size_t size, struct record *out)
{
    struct frame_reader reader;
    struct record more;
    return frame_begin(&reader, bytes, size) == FRAME_NONE && frame_next(&reader, out) && !frame_next(&reader, &more) &&
           (out->verb == VERB_CMD || out->verb == VERB_TASK);
}
