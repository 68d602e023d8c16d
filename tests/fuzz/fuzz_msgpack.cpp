// SPDX-License-Identifier: MIT
// A document that is accepted can be written again; what reads it pulls exactly its bytes.
#include "common/assert.hpp"
#include "common/msgpack.hpp"

using namespace jobmill;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ByteView bytes = std::as_bytes(std::span{data, size});
    msgpack::Reader reader{bytes};
    const auto skipped = reader.skip();
    JOBMILL_ASSERT(!skipped || skipped->size() + reader.rest().size() == size);
    const auto value = msgpack::decode(bytes);
    if (!value) {
        return 0;
    }
    JOBMILL_ASSERT(skipped && reader.at_end());
    Bytes once;
    msgpack::Writer{once}.value(*value);
    const auto again = msgpack::decode(once);
    JOBMILL_ASSERT(again);
    Bytes twice;
    msgpack::Writer{twice}.value(*again);
    JOBMILL_ASSERT(once == twice);
    return 0;
}
