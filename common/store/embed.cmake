# Writes a file's bytes as a C array: cmake -DIN=casebus.lua -DOUT=casebus_lua.c -P embed.cmake
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," array "${hex}")
file(WRITE ${OUT} "#include <stddef.h>\n#include <stdint.h>\n\nextern const uint8_t casebus_lua[];\nextern const size_t casebus_lua_size;\nconst uint8_t casebus_lua[] = {${array}};\nconst size_t casebus_lua_size = sizeof casebus_lua;\n")
