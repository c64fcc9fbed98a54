/* What the consumers of pprof files take at most (Pyroscope's and Parca's defaults). */
#ifndef MODEL_PROFILE_LIMITS_H
#define MODEL_PROFILE_LIMITS_H

enum {
    PROFILE_STRING_MAX = 65535, /* bytes */
    PROFILE_LABEL_KEY_MAX = 1024,
    PROFILE_LABEL_TEXT_MAX = 2048,
    PROFILE_LABELS_MAX = 100, /* of a sample */
    PROFILE_SAMPLES_MAX = 16000,
    PROFILE_BYTES_MAX = 4 * 1024 * 1024, /* not compressed */
};

#endif
