# What every target of ours is compiled with.
add_compile_options(-Wall -Wextra -Wshadow -Wundef -Wformat=2 -Wvla -Wcast-qual -Wconversion
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>)
if(MAPSCOPE_WERROR)
    add_compile_options(-Werror)
endif()

# A stack through our own frames is walked by frame pointer.
add_compile_options(-fno-omit-frame-pointer)

if(MAPSCOPE_SANITIZE)
    add_compile_options(-fsanitize=${MAPSCOPE_SANITIZE} -fno-sanitize-recover=undefined)
    add_link_options(-fsanitize=${MAPSCOPE_SANITIZE})
endif()
