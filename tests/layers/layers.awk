# Reads rules.txt, then sources (.c, .h, .proto), and says every include that the rules do not allow, as `file:line: sentence`.
# A .c whose header stands beside it must include that first: what the header lacks then fails to compile.

FILENAME ~ /rules\.txt$/ { read_rule(); next }
FNR == 1                 { includes = 0 }
/^#include |^import /    { check(target($0), $0 ~ /</) }

function read_rule(   i) {
    sub(/#.*/, "")
    if (NF < 2 || $1 == "top") return
    for (i = 2; i <= NF; i++) {
        if ($1 == "owned") owned[$i] = 1
        else if ($1 == "set") sets[$2] = sets[$2] (i > 2 ? " " $i : "")
        else allowed[$1] = allowed[$1] " " ($i in sets ? sets[$i] : $i)
    }
}

# The path inside the quotes or angles.
function target(line) {
    match(line, /["<][^">]*[">]/)
    return substr(line, RSTART + 1, RLENGTH - 2)
}

function check(path, library,   own) {
    includes++
    own = FILENAME
    sub(/\.c$/, ".h", own)
    if (includes == 1 && own != FILENAME && own != path && (getline dummy < own) >= 0) {
        say("the first include must be its own header, \"" own "\"")
    }
    close(own)
    if (library && !is_owned(path)) return
    if (!library && path !~ /\//) say("\"" path "\" must be written from the root of the repository")
    else if (!may_include(path)) say("may not include " path ", which tests/layers/rules.txt gives to others")
}

function is_owned(path,   word) {
    for (word in owned) if (index(path, word) == 1) return 1
    return 0
}

function may_include(path,   who, best, words, count, i, yes) {
    best = ""
    for (who in allowed) if (index(FILENAME, who) == 1 && length(who) > length(best)) best = who
    if (best == "") { say("stands in no layer of tests/layers/rules.txt"); return 1 }
    count = split(allowed[best], words, " ")
    for (i = 1; i <= count; i++) {
        if (words[i] == "SELF") words[i] = own_folder()
        if (substr(words[i], 1, 1) == "!") { if (index(path, substr(words[i], 2)) == 1) return 0 }
        else if (index(path, words[i]) == 1) yes = 1
    }
    return yes
}

# services/x/ for services/x/y.c.
function own_folder(   parts) {
    split(FILENAME, parts, "/")
    return parts[1] "/" parts[2] "/"
}

function say(sentence) {
    print FILENAME ":" FNR ": " sentence
    bad = 1
}

END { exit bad }
