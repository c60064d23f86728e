/* Fuzzes the reader of frames and the rules of a link. Whatever is accepted is written back byte for byte, lies within the
 * input, and moves no link out of its states. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/bus/frame.h"
#include "common/bus/link_core.h"
#include "common/core/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drive(struct link_core *core, int64_t now_ms, const struct record *record)
{
    struct link_input input = {
        .kind = LINK_HEARD,
        .verb = record->verb,
        .status = record->status,
        .tag = record->tag,
        .session = record->root,
        .heartbeat_ms = record->ttl_ms,
        .window = record->epoch,
    };
    struct link_output out = link_step(core, now_ms, &input);
    MUST(core->state <= LINK_CLOSED && out.event <= LINK_DRAINED);
    MUST((core->session != 0) == (core->state == LINK_READY || core->state == LINK_DRAINING));
    input.kind = LINK_TICK;
    out = link_step(core, now_ms + record->attempt * 100, &input);
    MUST(out.wake_ms > now_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct frame again;
    struct frame_reader reader;
    struct record record;
    struct link_core core;
    int64_t now_ms = 0;
    frame_clear(&again);
    link_init(&core, 0);
    if (frame_begin(&reader, data, size) != FRAME_NONE) {
        MUST(!frame_next(&reader, &record));
        return 0;
    }
    while (frame_next(&reader, &record)) {
        MUST(frame_append(&again, &record));
        drive(&core, now_ms, &record);
        now_ms += record.attempt * 100;
    }
    MUST(again.size == size && memcmp(again.bytes, data, size) == 0);
    return 0;
}
