#include <string.h>

#include "common/core/money.h"
#include "common/core/slice.h"
#include "services/claims/claims.h"

bool speaks_spanish(const char *language)
{
    return language && strncmp(language, "es", 2) == 0 && (language[2] == '\0' || language[2] == '-');
}

const char *plain_reason(struct decision *d, const char *code, const char *language)
{
    const Claims__PlainReasons *list;
    for (size_t cursor = 0; code && (list = reference_each(d, &claims__plain_reasons__descriptor, &cursor));) {
        for (size_t i = 0; i < list->n_reasons; i++) {
            const Claims__PlainReason *reason = list->reasons[i];
            if (str_same(reason->code, code)) {
                return speaks_spanish(language) && reason->text_es ? reason->text_es : reason->text;
            }
        }
    }
    return NULL;
}

const char *money_text(struct decision *d, int64_t cents)
{
    char text[MONEY_SIZE];
    return text_of(d, "%s", money_format(text, (struct money){cents, "USD"}));
}
