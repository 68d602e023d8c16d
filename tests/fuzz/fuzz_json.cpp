// SPDX-License-Identifier: MIT
// The parser and the scanner that explains its refusals agree on what JSON is, and every refusal is
// itself a line that may be sent.
#include <string>

#include "common/assert.hpp"
#include "common/json_lines.hpp"
#include "common/json_scan.hpp"
#include "common/limits.hpp"
#include "common/msgpack.hpp"
#include "common/option_table.hpp"
#include "common/utf8.hpp"
#include "jobmill/error_code.hpp"
#include "tests/golden/samples.hpp"

using namespace jobmill;

namespace {

void check_options(const SubmitOptions& submit)
{
    JOBMILL_ASSERT(submit.args.empty() || msgpack::decode(submit.args));
    JOBMILL_ASSERT(valid_utf8(submit.handler) && valid_utf8(submit.job->batch));
    JOBMILL_ASSERT(options::check(submit.job));
}

/// Whether what came in a line could be said in a frame; a line's args may be the longer spelling.
bool fits_a_frame(const SubmitMany& many)
{
    std::size_t size = FrameHeader::size + 8 + encoded_size(many.options);
    for (const ByteView payload : many.payloads) {
        size += sizeof(std::uint32_t) + payload.size();
    }
    return encoded_size(many.options) <= limits::meta && size <= limits::frame;
}

void check_accepted(const Request& request)
{
    if (const auto* submit = std::get_if<Submit>(&request)) {
        check_options(submit->options);
        JOBMILL_ASSERT(submit->payload.size() <= limits::inline_payload);
        if (encoded_size(submit->options) > limits::meta) {
            return;
        }
    }
    if (const auto* many = std::get_if<SubmitMany>(&request)) {
        check_options(many->options);
        JOBMILL_ASSERT(!many->payloads.empty() && many->payloads.size() <= limits::submit_many);
        JOBMILL_ASSERT(many->ids.size() == many->payloads.size());
        for (const ByteView payload : many->payloads) {
            JOBMILL_ASSERT(payload.size() <= limits::inline_payload);
        }
        if (!fits_a_frame(*many)) {
            return;
        }
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
