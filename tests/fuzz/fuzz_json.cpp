// SPDX-License-Identifier: MIT
// The parser and the scanner that explains its refusals agree on what JSON is, and every refusal is
// itself a line that may be sent.
#include <string>

#include "common/assert.hpp"
#include "common/json_lines.hpp"
#include "common/json_scan.hpp"
#include "common/limits.hpp"
#include "common/msgpack.hpp"
#include "common/utf8.hpp"
#include "jobmill/error_code.hpp"
#include "tests/golden/samples.hpp"

using namespace jobmill;

namespace {

void check_accepted(const Request& request)
{
    if (const auto* submit = std::get_if<Submit>(&request)) {
        JOBMILL_ASSERT(submit->options.args.empty() || msgpack::decode(submit->options.args));
        JOBMILL_ASSERT(valid_utf8(submit->options.handler));
        JOBMILL_ASSERT(submit->payload.size() <= limits::inline_payload);
    }
    (void)test::encoded(request);
}

void check_refused(const JsonFailure& failure, std::string_view line)
{
    const auto fault = find_json_fault(line);
    const ErrorReply& error = failure.error;
    JOBMILL_ASSERT(!error.code.empty());
    JOBMILL_ASSERT(!fault || (error.code == fault->code && error.offset == fault->offset));
    const bool only_for_form =
        error.code == error_code::too_deep || error.code == error_code::not_utf8;
    JOBMILL_ASSERT(fault || !only_for_form);
    Bytes answer;
    encode_line(Reply{ErrorMessage{.tag = Tag{}, .error = error}}, failure.id, answer);
    JOBMILL_ASSERT(answer.size() <= limits::frame);
    JOBMILL_ASSERT(!find_json_fault(text_of(answer)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static JsonDecoder decoder;
    const std::string_view line = text_of(std::as_bytes(std::span{data, size}));
    const auto request = decoder.decode(line);
    if (request) {
        JOBMILL_ASSERT(!find_json_fault(line));
        check_accepted(request->request);
    } else {
        check_refused(request.error(), line);
    }
    return 0;
}
