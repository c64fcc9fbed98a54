/* C++ names from their symbols. Thread-safe. */
#ifndef COLLECTOR_SYMBOLIZE_DEMANGLE_H
#define COLLECTOR_SYMBOLIZE_DEMANGLE_H

/*
 * The name in the source's spelling, to be freed by the caller; NULL if the symbol is no C++ name, if
 * memory is out, or if the symbol could unfold without bound.
 */
char *demangle(const char *symbol);

#endif
