/* The states, district and territories of the US, by code or by name. */
#ifndef CLI_FHIR_STATES_H
#define CLI_FHIR_STATES_H

struct us_state {
    const char *code; /* USPS */
    const char *name;
    const char *zone; /* IANA; NULL where the state lies in two */
};

/* By code or name, whatever the case. NULL: none of them. */
const struct us_state *us_state_find(const char *text);

#endif
