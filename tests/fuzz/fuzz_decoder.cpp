// SPDX-License-Identifier: MIT
// What a decoder accepts can be said again, and then means the same.
#include "common/assert.hpp"
#include "common/json_lines.hpp"
#include "common/json_scan.hpp"
#include "common/option_table.hpp"
#include "tests/golden/samples.hpp"

using namespace jobmill;

namespace {

constexpr test::Route route{FUZZ_LINK, FUZZ_DIRECTION};

/// What a submit may be, whoever reads it next.
void check(const Request& request)
{
    if (const auto* submit = std::get_if<Submit>(&request)) {
        JOBMILL_ASSERT(options::check(submit->options.job));
    } else if (const auto* many = std::get_if<SubmitMany>(&request)) {
        JOBMILL_ASSERT(options::check(many->options.job));
        JOBMILL_ASSERT(!many->payloads.empty() && many->payloads.size() <= limits::submit_many);
    } else if (const auto* adjust = std::get_if<AdjustRequest>(&request)) {
        JOBMILL_ASSERT(options::check(*adjust));
    }
}

/// Of one frame; empty when it is refused. Replies are spelled as JSON besides.
Bytes said_again(ByteView bytes)
{
    FrameSplitter splitter{route.link, route.direction};
    splitter.feed(bytes);
    const auto frame = splitter.next();
    if (!frame || !*frame) {
        return {};
    }
    const auto message = test::decoded(**frame, route);
    if (!message) {
        return {};
    }
    if (const auto* request = std::get_if<Request>(&*message)) {
        check(*request);
    }
    if (const auto* reply = std::get_if<Reply>(&*message)) {
        Bytes line;
        encode_line(*reply, "7", line);
        JOBMILL_ASSERT(line.size() <= limits::frame);
        const std::string_view text = text_of(line);
        JOBMILL_ASSERT(text.find('\n') == text.size() - 1);
    }
    return test::encoded(*message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const Bytes once = said_again(std::as_bytes(std::span{data, size}));
    if (!once.empty()) {
        JOBMILL_ASSERT(said_again(once) == once);
    }
    return 0;
}
