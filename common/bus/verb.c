#include "common/bus/verb.h"

#include <stddef.h>

static const char *const WORDS[256] = {
#define VERB_WORD(name, number) [number] = #name,
    VERBS(VERB_WORD)
#undef VERB_WORD
};

bool verb_is_known(uint8_t number)
{
    return WORDS[number] != NULL;
}

const char *verb_word(enum verb verb)
{
    return verb_is_known((uint8_t)verb) ? WORDS[(uint8_t)verb] : "?";
}

static const char *const STATUS_WORDS[] = {[STATUS_NONE] = "NONE",
#define STATUS_WORD(name, number) [number] = #name,
    STATUSES(STATUS_WORD)
#undef STATUS_WORD
};

bool status_is_known(uint8_t number)
{
    return number < sizeof(STATUS_WORDS) / sizeof(*STATUS_WORDS);
}

const char *status_word(enum status status)
{
    return status_is_known((uint8_t)status) ? STATUS_WORDS[status] : "?";
}

bool class_is_known(uint8_t number)
{
    return number <= CLASS_CONTROL;
}

bool verb_asks(enum verb verb)
{
    return verb == VERB_CMD || verb == VERB_EVT || verb == VERB_TASK || verb == VERB_ANSWER || verb == VERB_QRY;
}

bool verb_answers(enum verb verb)
{
    return verb == VERB_REP || verb == VERB_ACK || verb == VERB_NAK || verb == VERB_TERM || verb == VERB_QRS;
}

bool status_may_repeat(enum status status)
{
    return status != STATUS_OK && status != STATUS_REFUSED;
}
