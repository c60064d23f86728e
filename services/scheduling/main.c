#include "services/scheduling/scheduling.h"

int main(int argc, char **argv)
{
    return service_main(&SCHEDULING, argc, argv);
}
