#include "services/planning/planning.h"

int main(int argc, char **argv)
{
    return service_main(&PLANNING, argc, argv);
}
