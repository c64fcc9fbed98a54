// Without this file the compiler wants a body for memhash64.
