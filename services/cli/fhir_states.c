#include "services/cli/fhir_states.h"

#include "common/core/slice.h"

#include <stddef.h>

/* clang-format off */
static const struct us_state STATES[] = {
    {"AL", "Alabama", "America/Chicago"},
    {"AK", "Alaska", NULL},
    {"AZ", "Arizona", NULL},
    {"AR", "Arkansas", "America/Chicago"},
    {"CA", "California", "America/Los_Angeles"},
    {"CO", "Colorado", "America/Denver"},
    {"CT", "Connecticut", "America/New_York"},
    {"DE", "Delaware", "America/New_York"},
    {"DC", "District of Columbia", "America/New_York"},
    {"FL", "Florida", NULL},
    {"GA", "Georgia", "America/New_York"},
    {"HI", "Hawaii", "Pacific/Honolulu"},
    {"ID", "Idaho", NULL},
    {"IL", "Illinois", "America/Chicago"},
    {"IN", "Indiana", NULL},
    {"IA", "Iowa", "America/Chicago"},
    {"KS", "Kansas", NULL},
    {"KY", "Kentucky", NULL},
    {"LA", "Louisiana", "America/Chicago"},
    {"ME", "Maine", "America/New_York"},
    {"MD", "Maryland", "America/New_York"},
    {"MA", "Massachusetts", "America/New_York"},
    {"MI", "Michigan", NULL},
    {"MN", "Minnesota", "America/Chicago"},
    {"MS", "Mississippi", "America/Chicago"},
    {"MO", "Missouri", "America/Chicago"},
    {"MT", "Montana", "America/Denver"},
    {"NE", "Nebraska", NULL},
    {"NV", "Nevada", NULL},
    {"NH", "New Hampshire", "America/New_York"},
    {"NJ", "New Jersey", "America/New_York"},
    {"NM", "New Mexico", "America/Denver"},
    {"NY", "New York", "America/New_York"},
    {"NC", "North Carolina", "America/New_York"},
    {"ND", "North Dakota", NULL},
    {"OH", "Ohio", "America/New_York"},
    {"OK", "Oklahoma", "America/Chicago"},
    {"OR", "Oregon", NULL},
    {"PA", "Pennsylvania", "America/New_York"},
    {"RI", "Rhode Island", "America/New_York"},
    {"SC", "South Carolina", "America/New_York"},
    {"SD", "South Dakota", NULL},
    {"TN", "Tennessee", NULL},
    {"TX", "Texas", NULL},
    {"UT", "Utah", "America/Denver"},
    {"VT", "Vermont", "America/New_York"},
    {"VA", "Virginia", "America/New_York"},
    {"WA", "Washington", "America/Los_Angeles"},
    {"WV", "West Virginia", "America/New_York"},
    {"WI", "Wisconsin", "America/Chicago"},
    {"WY", "Wyoming", "America/Denver"},
    {"AS", "American Samoa", "Pacific/Pago_Pago"},
    {"GU", "Guam", "Pacific/Guam"},
    {"MP", "Northern Mariana Islands", "Pacific/Guam"},
    {"PR", "Puerto Rico", "America/Puerto_Rico"},
    {"VI", "US Virgin Islands", "America/Puerto_Rico"},
};
/* clang-format on */

const struct us_state *us_state_find(const char *text)
{
    for (size_t i = 0; i < sizeof STATES / sizeof *STATES; i++) {
        if (str_same_ignoring_case(STATES[i].code, text) || str_same_ignoring_case(STATES[i].name, text)) {
            return &STATES[i];
        }
    }
    return NULL;
}
