// C++ names for tests/collector/test_symbolize.c: namespaces, a template, a member.
extern "C" {
#include "chain.h"
void call_shapes(void);
}

namespace shapes
{
template <typename T> struct Box {
    T value;
    __attribute__((noinline)) T open(const char *label); // @Box.start
};

template <typename T> T Box<T>::open(const char *label) // @Box.definition
{
    note(label); // @Box
    KEEP_CALL();
    return value;
}

namespace
{
__attribute__((noinline)) void draw(int, const char *label) // @draw.start
{
    chain_middle(label); // @draw
}
} // namespace
} // namespace shapes

void call_shapes(void)
{
    shapes::Box<int> box{1};
    box.open("box");
    shapes::draw(1, "draw");
    auto cut = [](const char *label) __attribute__((noinline)) {
        chain_middle(label); // @lambda
    };
    cut("lambda");
    KEEP_CALL();
}
