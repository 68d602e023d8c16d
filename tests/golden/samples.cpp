// SPDX-License-Identifier: MIT
#include "tests/golden/samples.hpp"

#include "common/json_lines.hpp"
#include "common/msgpack.hpp"

namespace jobmill::test {
namespace {

constexpr Tag tag{7};
constexpr JobId job{119};
constexpr WorkerId worker{SlotId{2}, 5};
constexpr std::string_view no_text{"\x00\xff\x80", 3};

ByteView args()
{
    static const Bytes bytes = [] {
        Bytes to;
        msgpack::Writer{to}.value(Value{
            Map{{"path", Value{"/data/a"}},
                {"offset", Value{0}},
                {"share", Value{0.5}},
                {"deep", Value{Map{{"list", Value{Array{Value{true}, Value{}, Value{-1}}}}}}}}});
        return to;
    }();
    return bytes;
}

SubmitOptions every_option()
{
    return {.pool = "tests",
            .handler = "ngram.count",
            .label = "night",
            .args = args(),
            .detached = true,
            .want_started = true,
            .want_progress = true};
}

JobOptions every_job_option()
{
    return {.priority = -100,
            .timeout_ms = 60'000,
            .queue_timeout_ms = 315'360'000'000,
            .delay_ms = 0,
            .retry_crash = 2,
            .retry_timeout = 0,
            .retry_failure = 1000,
            .backoff_ms = 100,
            .backoff_max_ms = 86'400'000,
            .memory = 1'073'741'824,
            .cpu_ms = 30'000,
            .file_size = 9'223'372'036'854'775'807,
            .open_files = 64,
            .processes = 1,
            .nice = 19,
            .cpus = "0,2-3",
            .batch = "pictures",
            .halt = "soon,fail=20%",
            .parent = 117};
}

JobOptions nothing_limited()
{
    JobOptions options;
    for (auto member : {&JobOptions::timeout_ms, &JobOptions::queue_timeout_ms, &JobOptions::memory,
                        &JobOptions::cpu_ms, &JobOptions::file_size, &JobOptions::open_files,
                        &JobOptions::processes}) {
        options.*member = unlimited;
    }
    return options;
}

Submit submit_of(const JobOptions& options)
{
    Submit submit;
    submit.tag = tag;
    submit.options.handler = "sum";
    submit.options.job = options;
    return submit;
}

SubmitMany many_of(SubmitOptions options, std::vector<ByteView> payloads)
{
    return {.first = tag,
            .handler_number = options.handler.empty() ? 3U : 0U,
            .each = false,
            .options = std::move(options),
            .payloads = std::move(payloads),
            .ids = {}};
}

SubmitMany each_of(SubmitMany many)
{
    many.each = true;
    return many;
}

Value status_document()
{
    const Value pool{Map{{"name", Value{"default"}},
                         {"workers", Value{8}},
                         {"busy", Value{1}},
                         {"queued", Value{0}},
                         {"done", Value{5214}},
                         {"failed", Value{4}},
                         {"crashed", Value{1}},
                         {"restarts", Value{1}},
                         {"state", Value{"ready"}}}};
    const Value running{Map{{"job", Value{121}},
                            {"state", Value{"running"}},
                            {"pool", Value{"default"}},
                            {"handler", Value{"exec"}},
                            {"label", Value{"night"}},
                            {"age_ms", Value{12000}},
                            {"detached", Value{true}},
                            {"worker", Value{3}}}};
    return Value{Map{{"version", Value{"0.1.0"}},
                     {"pid", Value{812}},
                     {"uptime_ms", Value{10'800'000}},
                     {"socket", Value{"/run/user/1000/jobmill/jobmill.sock"}},
                     {"pools", Value{Array{pool}}},
                     {"jobs", Value{Array{running}}},
                     {"more_jobs", Value{0}}}};
}

Value handlers_list()
{
    return Value{Array{Value{Map{
        {"name", Value{"sum"}}, {"help", Value{"adds 1 to N"}}, {"module", Value{"builtin"}}}}}};
}

Value handlers_document()
{
    return Value{
        Map{{"pools",
             Value{Array{Value{Map{{"name", Value{"default"}}, {"handlers", handlers_list()}}}}}}}};
}

Value reload_document()
{
    return Value{Map{{"file", Value{"/etc/jobmill/jobmill.toml"}},
                     {"changes", Value{Array{Value{"pool default: 4 workers, were 2"}}}}}};
}

Value adjust_document()
{
    return Value{Map{{"max_running", Value{"unlimited"}},
                     {"pools", Value{Array{Value{Map{{"name", Value{"default"}},
                                                     {"max_running", Value{2}},
                                                     {"weight", Value{50}}}}}}},
                     {"labels", Value{Array{}}}}};
}

JobResult result(JobState state, Cause cause, std::string_view payload)
{
    return {.tag = tag,
            .job = job,
            .size = payload.size(),
            .queue_ns = 40'000,
            .run_ns = 12'345'678,
            .worker = SlotId{2},
            .state = state,
            .more = false,
            .cause = std::move(cause),
            .payload = bytes_of(payload)};
}

Cause cause_of_kind(std::string_view kind)
{
    Cause cause;
    cause.kind = kind;
    return cause;
}

Cause signal_cause()
{
    Cause cause = cause_of_kind("signal");
    cause.signal = "SIGSEGV";
    cause.core_dumped = true;
    cause.stderr_tail = "about to fail\n";
    cause.last_words = "in handler segv";
    return cause;
}

Cause with_exit_code(std::string_view kind, std::string_view text, int exit_code)
{
    Cause cause = cause_of_kind(kind);
    cause.text = text;
    cause.exit_code = exit_code;
    return cause;
}

Cause with_text(std::string_view kind, std::string_view text)
{
    Cause cause = cause_of_kind(kind);
    cause.text = text;
    return cause;
}

Cause cancelled_when(std::string_view was)
{
    Cause cause = cause_of_kind("cancel");
    cause.was = was;
    return cause;
}

Cause halted_when(std::string_view was)
{
    Cause cause = cause_of_kind("halted");
    cause.was = was;
    return cause;
}

Cause every_cause_field()
{
    Cause cause = signal_cause();
    cause.text = "the handler \"segv\" died";
    cause.exit_code = 139;
    cause.was = "waiting";
    cause.limit = "memory";
    cause.out_of_memory = true;
    cause.poison = true;
    cause.stderr_shared = true;
    cause.stack = "#0 spin()\n#1 main\n";
    cause.done = 37;
    cause.total = 0;
    cause.note = "range 37";
    return cause;
}

JobResult result_of_third_attempt()
{
    JobResult third = result(JobState::succeeded, {}, "5050");
    third.attempt = 3;
    third.usage = {.cpu_ns = 11'000'250, .peak_rss = 4'194'304, .approximate = true};
    third.attempts = {{.state = JobState::crashed,
                       .worker = SlotId{2},
                       .run_ns = 1'500'000,
                       .cause = signal_cause()},
                      {.state = JobState::timed_out,
                       .worker = {},
                       .run_ns = 60'000'000'000,
                       .cause = cause_of_kind("timeout")}};
    return third;
}

ErrorMessage every_error_field()
{
    return {.tag = tag,
            .error = {.code = error_code::busy,
                      .text = "the queue is full",
                      .field = "payload",
                      .limit = 1024,
                      .offset = 6,
                      .retry_after_ms = 200}};
}

ErrorMessage plain_error()
{
    return {.tag = Tag{},
            .error = {.code = error_code::too_long,
                      .text = {},
                      .field = {},
                      .limit = 262144,
                      .offset = {},
                      .retry_after_ms = {}}};
}

std::vector<Sample> requests()
{
    return {
        {"hello", Request{Hello{.min_version = 1, .max_version = 1, .client = "me"}},
         R"({"op":"hello","min_version":1,"max_version":1,"client":"me"})"},
        {"hello_blobs",
         Request{Hello{.min_version = 1, .max_version = 1, .client = "me", .takes_blobs = true}},
         {}},
        {"open", Request{Open{.number = 7, .pool = "tests", .handler = "sum"}}, {}},
        {"submit",
         Request{Submit{.tag = tag,
                        .handler_number = 0,
                        .size = 3,
                        .more = false,
                        .has_blob = false,
                        .options = {.pool = {}, .handler = "sum", .label = {}, .args = {}},
                        .payload = bytes_of("100")}},
         R"({"op":"submit","id":"7","handler":"sum","payload":"100"})"},
        {"submit_options",
         Request{Submit{.tag = tag,
                        .handler_number = 0,
                        .size = 0,
                        .more = false,
                        .has_blob = false,
                        .options = every_option(),
                        .payload = {}}},
         R"({"op":"submit","id":"7","pool":"tests","handler":"ngram.count","label":"night",)"
         R"("args":{"path":"/data/a","offset":0,"share":0.5,"deep":{"list":[true,null,-1]}},)"
         R"("detached":true,"started":true,"progress":true})"},
        {"submit_retrying",
         Request{Submit{.tag = tag,
                        .options = {.handler = "sum",
                                    .want_retrying = true,
                                    .job = JobOptions{.retry_failure = 2}},
                        .payload = {}}},
         R"({"op":"submit","id":"7","handler":"sum","retrying":true,"retry_failure":2})"},
        {"submit_job_options", Request{submit_of(every_job_option())},
         R"({"op":"submit","id":"7","handler":"sum","priority":-100,"timeout_ms":60000,)"
         R"("queue_timeout_ms":315360000000,"delay_ms":0,"retry_crash":2,"retry_timeout":0,)"
         R"("retry_failure":1000,"backoff_ms":100,"backoff_max_ms":86400000,)"
         R"("memory":1073741824,"cpu_ms":30000,"file_size":9223372036854775807,"open_files":64,)"
         R"("processes":1,"nice":19,"cpus":"0,2-3","batch":"pictures","halt":"soon,fail=20%",)"
         R"("parent":"117"})"},
        {"submit_unlimited", Request{submit_of(nothing_limited())},
         R"({"op":"submit","id":"7","handler":"sum","timeout_ms":"unlimited",)"
         R"("queue_timeout_ms":"unlimited","memory":"unlimited","cpu_ms":"unlimited",)"
         R"("file_size":"unlimited","open_files":"unlimited","processes":"unlimited"})"},
        {"submit_bytes",
         Request{Submit{.tag = tag,
                        .handler_number = 0,
                        .size = 3,
                        .more = false,
                        .has_blob = false,
                        .options = {.pool = {}, .handler = "sum", .label = {}, .args = {}},
                        .payload = bytes_of(no_text)}},
         R"({"op":"submit","id":"7","handler":"sum","payload_b64":"AP+A"})"},
        {"submit_opened",
         Request{Submit{.tag = tag,
                        .handler_number = 3,
                        .size = 3,
                        .more = false,
                        .has_blob = false,
                        .options = {},
                        .payload = bytes_of("100")}},
         {}},
        {"submit_more",
         Request{Submit{.tag = tag,
                        .handler_number = 0,
                        .size = 100'000,
                        .more = true,
                        .has_blob = false,
                        .options = {.pool = {}, .handler = "sum", .label = {}, .args = {}},
                        .payload = bytes_of("first")}},
         R"({"op":"submit","id":"7","handler":"sum","size":100000,"more":true,"payload":"first"})"},
        {"submit_blob",
         Request{Submit{.tag = tag,
                        .handler_number = 3,
                        .size = 100'000,
                        .more = false,
                        .has_blob = true,
                        .options = {},
                        .payload = {}}},
         {}},
        {"submit_put",
         Request{Submit{.tag = tag,
                        .handler_number = 0,
                        .size = 0,
                        .more = false,
                        .has_blob = false,
                        .options = {.handler = "sum", .blob = 12},
                        .payload = {}}},
         {}},
        {"submit_inputs",
         Request{
             Submit{.tag = tag,
                    .handler_number = 0,
                    .size = 3,
                    .more = false,
                    .has_blob = false,
                    .options = {.handler = "sum", .inputs = std::vector<std::uint64_t>{12, 13, 12}},
                    .payload = bytes_of("100")}},
         {}},
        {"put", Request{Put{.tag = tag, .size = 3, .payload = bytes_of("100")}},
         R"({"op":"put","id":"7","payload":"100"})"},
        {"put_more",
         Request{Put{.tag = tag, .size = 100'000, .more = true, .payload = bytes_of("first")}},
         R"({"op":"put","id":"7","size":100000,"more":true,"payload":"first"})"},
        {"put_blob",
         Request{Put{.tag = tag, .size = 100'000, .has_blob = true, .payload = {}}},
         {}},
        {"drop", Request{Drop{.tag = tag}}, R"({"op":"drop","id":"7"})"},
        {"return", Request{Return{.tag = tag, .job = job}}, {}},
        {"submit_many",
         Request{many_of({.handler = "sum"}, {bytes_of("100"), bytes_of(""), bytes_of("7")})},
         R"({"op":"submit_many","ids":["7","8","9"],"handler":"sum","payloads":["100","","7"]})"},
        {"submit_many_options",
         Request{
             many_of({.handler = "sum",
                      .label = "night",
                      .detached = true,
                      .job = JobOptions{.priority = 5, .batch = "pictures", .halt = "now,fail=1"}},
                     {bytes_of(no_text), bytes_of("x")})},
         R"({"op":"submit_many","ids":["7","8"],"handler":"sum","label":"night","detached":true,)"
         R"("priority":5,"batch":"pictures","halt":"now,fail=1","payloads_b64":["AP+A","eA=="]})"},
        {"submit_many_opened", Request{many_of({}, {bytes_of("100")})}, {}},
        {"submit_many_each", Request{each_of(many_of({.handler = "sum"}, {bytes_of("100")}))},
         R"({"op":"submit_many","ids":["7"],"handler":"sum","payloads":["100"],"each":true})"},
        {"piece", Request{Piece{.tag = tag, .more = true, .payload = bytes_of(no_text)}},
         R"({"op":"piece","id":"7","payload_b64":"AP+A","more":true})"},
        {"piece_last", Request{Piece{.tag = tag, .more = false, .payload = bytes_of("end")}},
         R"({"op":"piece","id":"7","payload":"end"})"},
        {"cancel_tag", Request{Cancel{.tag = tag, .what = CancelWhat::tag, .job = {}}},
         R"({"op":"cancel","id":"7"})"},
        {"cancel_job", Request{Cancel{.tag = tag, .what = CancelWhat::job, .job = JobId{121}}},
         R"({"op":"cancel","id":"7","job":"121"})"},
        {"cancel_all", Request{Cancel{.tag = tag, .what = CancelWhat::all, .job = {}}},
         R"({"op":"cancel","id":"7","all":true})"},
        {"cancel_batch",
         Request{Cancel{.tag = tag, .what = CancelWhat::batch, .job = {}, .name = "pictures"}},
         R"({"op":"cancel","id":"7","batch":"pictures"})"},
        {"cancel_label",
         Request{Cancel{.tag = tag, .what = CancelWhat::label, .job = {}, .name = "night"}},
         R"({"op":"cancel","id":"7","label":"night"})"},
        {"cancel_session", Request{Cancel{.tag = tag, .what = CancelWhat::session, .job = {}}},
         R"({"op":"cancel","id":"7","session":true})"},
        {"cancel_unless_running",
         Request{Cancel{.tag = tag,
                        .what = CancelWhat::session,
                        .job = {},
                        .name = {},
                        .unless_running = true}},
         R"({"op":"cancel","id":"7","session":true,"unless_running":true})"},
        {"retry", Request{Retry{.tag = tag, .job = JobId{118}}},
         R"({"op":"retry","id":"7","job":"118"})"},
        {"wait", Request{Wait{.tag = tag, .job = JobId{118}}},
         R"({"op":"wait","id":"7","job":"118"})"},
        {"status_request", Request{StatusRequest{.tag = tag, .jobs = {}}},
         R"({"op":"status","id":"7"})"},
        {"status_request_jobs", Request{StatusRequest{.tag = tag, .jobs = {JobId{118}, job}}},
         R"({"op":"status","id":"7","jobs":["118","119"]})"},
        {"handlers_request", Request{HandlersRequest{.tag = tag}}, R"({"op":"handlers","id":"7"})"},
        {"reload_request", Request{ReloadRequest{.tag = tag}}, R"({"op":"reload","id":"7"})"},
        {"log_level_request", Request{LogLevelRequest{.tag = tag, .level = "debug"}},
         R"({"op":"log_level","id":"7","level":"debug"})"},
        {"log_level_question", Request{LogLevelRequest{.tag = tag, .level = {}}},
         R"({"op":"log_level","id":"7"})"},
        {"adjust_request_pool",
         Request{AdjustRequest{.tag = tag, .pool = "default", .max_running = 2, .weight = 50}},
         R"({"op":"adjust","id":"7","pool":"default","max_running":2,"weight":50})"},
        {"adjust_request_label",
         Request{AdjustRequest{.tag = tag, .label = "night", .max_running = unlimited}},
         R"({"op":"adjust","id":"7","label":"night","max_running":"unlimited"})"},
        {"adjust_request_all", Request{AdjustRequest{.tag = tag, .max_running = 8}},
         R"({"op":"adjust","id":"7","max_running":8})"},
        {"adjust_question", Request{AdjustRequest{.tag = tag}}, R"({"op":"adjust","id":"7"})"},
        {"ping", Request{Ping{.tag = tag, .payload = bytes_of("hello")}},
         R"({"op":"ping","id":"7","payload":"hello"})"},
    };
}

std::vector<Sample> results()
{
    JobResult never_ran = result(JobState::cancelled, cancelled_when("queued"), "");
    never_ran.worker = SlotId{};
    never_ran.run_ns = 0;
    JobResult large = result(JobState::succeeded, {}, "first");
    large.size = 100'000;
    large.more = true;
    JobResult in_blob = result(JobState::succeeded, {}, "");
    in_blob.size = 100'000;
    in_blob.has_blob = true;
    return {
        {"result", Reply{result(JobState::succeeded, {}, "5050")}, {}},
        {"result_empty", Reply{result(JobState::succeeded, {}, "")}, {}},
        {"result_bytes", Reply{result(JobState::succeeded, {}, no_text)}, {}},
        {"result_more", Reply{large}, {}},
        {"result_blob", Reply{in_blob}, {}},
        {"result_error",
         Reply{result(JobState::failed, with_text("error", "sum: not a number: \"ten\""), "")},
         {}},
        {"result_exit", Reply{result(JobState::failed, with_exit_code("exit", "", 3), "")}, {}},
        {"result_exec",
         Reply{result(JobState::failed, with_exit_code("exec", "nope: not found", 127), "")},
         {}},
        {"result_signal", Reply{result(JobState::crashed, signal_cause(), "")}, {}},
        {"result_lost",
         Reply{result(JobState::crashed, with_text("lost", "its worker was replaced"), "")},
         {}},
        {"result_stopping", Reply{result(JobState::cancelled, cause_of_kind("stopping"), "")}, {}},
        {"result_cancelled", Reply{result(JobState::cancelled, cancelled_when("running"), "")}, {}},
        {"result_never_ran", Reply{never_ran}, {}},
        {"result_attempts", Reply{result_of_third_attempt()}, {}},
        {"result_every_cause", Reply{result(JobState::crashed, every_cause_field(), "")}, {}},
        {"result_timed_out",
         Reply{result(JobState::timed_out, cause_of_kind("timeout"), "half")},
         {}},
        {"result_expired", Reply{result(JobState::expired, cause_of_kind("expired"), "")}, {}},
        {"result_halted", Reply{result(JobState::cancelled, halted_when("waiting"), "")}, {}},
    };
}

std::vector<Sample> replies()
{
    return {
        {"welcome",
         Reply{Welcome{.version = 1,
                       .max_inline = 65'536,
                       .max_frame = 262'144,
                       .piece = 65'536,
                       .max_payload = 1'073'741'824,
                       .credit_jobs = 1024,
                       .credit_bytes = 16'777'216,
                       .server = "jobmilld 0.1.0",
                       .pid = 812}},
         {}},
        {"opened", Reply{Opened{.number = 7}}, {}},
        {"accepted", Reply{Accepted{.first = tag, .job = job, .count = 1}}, {}},
        {"accepted_range", Reply{Accepted{.first = tag, .job = job, .count = 3}}, {}},
        {"started", Reply{Started{.tag = tag, .job = job, .worker = SlotId{2}, .attempt = 1}}, {}},
        {"retrying",
         Reply{Retrying{.tag = tag,
                        .job = job,
                        .attempt = 1,
                        .worker = SlotId{2},
                        .delay_ns = 100'000'000,
                        .state = JobState::crashed,
                        .cause = signal_cause()}},
         {}},
        {"chunk",
         Reply{Chunk{.tag = tag,
                     .job = job,
                     .size = 4,
                     .stream = Stream::none,
                     .more = false,
                     .payload = bytes_of("part")}},
         {}},
        {"chunk_stdout",
         Reply{Chunk{.tag = tag,
                     .job = job,
                     .size = 3,
                     .stream = Stream::out,
                     .more = false,
                     .payload = bytes_of("hi\n")}},
         {}},
        {"chunk_stderr",
         Reply{Chunk{.tag = tag,
                     .job = job,
                     .size = 3,
                     .stream = Stream::err,
                     .more = false,
                     .payload = bytes_of(no_text)}},
         {}},
        {"chunk_more",
         Reply{Chunk{.tag = tag,
                     .job = job,
                     .size = 100'000,
                     .stream = Stream::none,
                     .more = true,
                     .payload = bytes_of("first")}},
         {}},
        {"progress",
         Reply{Progress{.tag = tag, .job = job, .done = 37, .total = 101, .note = "range 37"}},
         {}},
        {"progress_open",
         Reply{Progress{.tag = tag, .job = job, .done = 37, .total = 0, .note = {}}},
         {}},
        {"reply_piece", Reply{Piece{.tag = tag, .more = true, .payload = bytes_of("middle")}}, {}},
        {"reply_piece_last",
         Reply{Piece{.tag = tag, .more = false, .payload = bytes_of("end")}},
         {}},
        {"stored", Reply{Stored{.tag = tag}}, {}},
        {"cancelled", Reply{Cancelled{.tag = tag, .queued = 3, .running = 1}}, {}},
        {"status", Reply{StatusReply{.tag = tag, .body = status_document()}}, {}},
        {"handlers", Reply{HandlersReply{.tag = tag, .body = handlers_document()}}, {}},
        {"reload", Reply{ReloadReply{.tag = tag, .body = reload_document()}}, {}},
        {"log_level",
         Reply{LogLevelReply{.tag = tag, .body = Value{Map{{"level", Value{"debug"}}}}}},
         {}},
        {"adjust", Reply{AdjustReply{.tag = tag, .body = adjust_document()}}, {}},
        {"pong", Reply{Pong{.tag = tag, .payload = bytes_of("hello")}}, {}},
        {"credit", Reply{Credit{.jobs = 64, .bytes = 1'048'576}}, {}},
        {"closing", Reply{Closing{.grace_ms = 5000}}, {}},
        {"error", Reply{every_error_field()}, {}},
        {"error_plain", Reply{plain_error()}, {}},
    };
}

std::vector<Sample> inside()
{
    Cause failure = with_text("error", "sum: not a number");
    Cause beyond = with_text("limit", "std::bad_alloc");
    beyond.limit = "memory";
    return {
        {"loaded", TemplateReport{Loaded{.body = Value{Map{{"handlers", handlers_list()}}}}}, {}},
        {"refused", TemplateReport{Refused{.module = "/x.so", .text = "no such file"}}, {}},
        {"fork", TemplateOrder{Fork{.worker = worker}}, {}},
        {"probe", TemplateOrder{Probe{}}, {}},
        {"alive", TemplateReport{Alive{}}, {}},
        {"forked", TemplateReport{Forked{.worker = worker, .pid = 4127, .error_number = 0}}, {}},
        {"forked_failed",
         TemplateReport{Forked{.worker = worker, .pid = 0, .error_number = 11}},
         {}},
        {"ready", WorkerReport{Ready{.worker = worker, .pid = 4127}}, {}},
        {"job",
         JobOffer{.sequence = Sequence{9},
                  .job = job,
                  .size = 3,
                  .handler = 1,
                  .attempt = 1,
                  .want_started = true,
                  .has_blob = false,
                  .args = args(),
                  .payload = bytes_of("100")},
         {}},
        {"job_blob",
         JobOffer{.sequence = Sequence{9},
                  .job = job,
                  .size = 100'000,
                  .handler = 1,
                  .attempt = 2,
                  .want_started = false,
                  .has_blob = true,
                  .args = {},
                  .payload = {}},
         {}},
        {"job_inputs",
         JobOffer{.sequence = Sequence{9},
                  .job = job,
                  .size = 100'000,
                  .handler = 1,
                  .attempt = 1,
                  .want_started = false,
                  .has_blob = true,
                  .user = 1000,
                  .inputs = {70'000, 5},
                  .args = {},
                  .payload = {}},
         {}},
        {"job_limits",
         JobOffer{.sequence = Sequence{9},
                  .job = job,
                  .size = 3,
                  .handler = 1,
                  .attempt = 1,
                  .want_started = false,
                  .has_blob = false,
                  .limits = {.memory = 64U << 20U,
                             .cpu_ms = 1500,
                             .file_size = unlimited,
                             .open_files = 32,
                             .processes = unlimited,
                             .cpus = 0b1101,
                             .nice = 5},
                  .user = 1000,
                  .args = {},
                  .payload = bytes_of("100")},
         {}},
        {"returned", Returned{.job = job}, {}},
        {"job_started", WorkerReport{JobStarted{.sequence = Sequence{9}}}, {}},
        {"job_chunk",
         WorkerReport{JobChunk{.sequence = Sequence{9},
                               .size = 3,
                               .stream = Stream::out,
                               .has_blob = false,
                               .payload = bytes_of("hi\n")}},
         {}},
        {"job_chunk_blob",
         WorkerReport{JobChunk{.sequence = Sequence{9},
                               .size = 100'000,
                               .stream = Stream::none,
                               .has_blob = true,
                               .payload = {}}},
         {}},
        {"job_result",
         WorkerReport{JobOutcome{.sequence = Sequence{9},
                                 .size = 4,
                                 .run_ns = 12'345'678,
                                 .succeeded = true,
                                 .has_blob = false,
                                 .usage = {.cpu_ns = 12'300'000, .peak_rss = 5'636'096},
                                 .cause = {},
                                 .payload = bytes_of("5050")}},
         {}},
        {"job_result_short",
         WorkerReport{
             JobOutcome{.sequence = Sequence{9},
                        .size = 0,
                        .run_ns = 12'345,
                        .succeeded = true,
                        .has_blob = false,
                        .usage = {.cpu_ns = 12'345, .peak_rss = std::nullopt, .approximate = true},
                        .cause = {},
                        .payload = {}}},
         {}},
        {"job_result_limit",
         WorkerReport{JobOutcome{.sequence = Sequence{9},
                                 .size = 0,
                                 .run_ns = 12'345'678,
                                 .succeeded = false,
                                 .has_blob = false,
                                 .usage = {.cpu_ns = 12'300'000, .peak_rss = 5'636'096},
                                 .cause = beyond,
                                 .payload = {}}},
         {}},
        {"job_result_failed",
         WorkerReport{JobOutcome{.sequence = Sequence{9},
                                 .size = 0,
                                 .run_ns = 12'345'678,
                                 .succeeded = false,
                                 .has_blob = false,
                                 .cause = failure,
                                 .payload = {}}},
         {}},
        {"job_result_blob",
         WorkerReport{JobOutcome{.sequence = Sequence{9},
                                 .size = 100'000,
                                 .run_ns = 12'345'678,
                                 .succeeded = true,
                                 .has_blob = true,
                                 .cause = {},
                                 .payload = {}}},
         {}},
    };
}

std::string line_of(std::string_view name, const Reply& reply)
{
    Bytes line;
    const auto* result = std::get_if<JobResult>(&reply);
    if (std::holds_alternative<Opened>(reply) || (result != nullptr && result->has_blob)) {
        return {};
    }
    if (name == "accepted_range") {
        encode_accepted_line(std::vector<std::string>{"7", "8", "9"}, job, line);
    } else {
        const bool about_a_request =
            !std::holds_alternative<Welcome>(reply) && !std::holds_alternative<Credit>(reply) &&
            !std::holds_alternative<Closing>(reply) && name != "error_plain";
        encode_line(reply, about_a_request ? "7" : "", line);
    }
    std::string text{text_of(line)};
    text.pop_back();
    return text;
}

}  // namespace

const std::vector<Sample>& samples()
{
    static const std::vector<Sample> all = [] {
        std::vector<Sample> list = requests();
        for (std::vector<Sample> part : {replies(), results(), inside()}) {
            for (Sample& sample : part) {
                if (const auto* reply = std::get_if<Reply>(&sample.message)) {
                    sample.json = line_of(sample.name, *reply);
                }
                list.push_back(std::move(sample));
            }
        }
        return list;
    }();
    return all;
}

namespace {

template <typename... Messages>
void encode_any(const std::variant<Messages...>& message, Bytes& to)
{
    std::visit([&](const auto& one) { encode(one, to); }, message);
}
void encode_any(const JobOffer& message, Bytes& to)
{
    encode(message, to);
}
void encode_any(const Returned& message, Bytes& to)
{
    encode(message, to);
}

const std::string& words(const Error& error)
{
    return error.what;
}
const std::string& words(const ErrorReply& error)
{
    return error.code;
}

template <typename Decoding>
Result<AnyMessage> as_any(Decoding decoding)
{
    if (!decoding) {
        return fail(Errc::invalid, words(decoding.error()));
    }
    return AnyMessage{std::move(*decoding)};
}

}  // namespace

Bytes encoded(const AnyMessage& message)
{
    Bytes bytes;
    std::visit([&](const auto& one) { encode_any(one, bytes); }, message);
    return bytes;
}

Route route_of(const AnyMessage& message)
{
    static constexpr auto routes = std::to_array<Route>({
        {Link::client, Direction::to_daemon},       // Request
        {Link::client, Direction::from_daemon},     // Reply
        {Link::template_, Direction::to_daemon},    // TemplateReport
        {Link::template_, Direction::from_daemon},  // Fork
        {Link::worker, Direction::to_daemon},       // WorkerReport
        {Link::worker, Direction::from_daemon},     // JobOffer
        {Link::worker, Direction::from_daemon},     // Returned
    });
    return routes.at(message.index());
}

Result<AnyMessage> decoded(const Frame& frame, Route route)
{
    const bool to_daemon = route.direction == Direction::to_daemon;
    switch (route.link) {
        case Link::client:
            return to_daemon ? as_any(decode_request(frame)) : as_any(decode_reply(frame));
        case Link::template_:
            return to_daemon ? as_any(decode_template_report(frame))
                             : as_any(decode_template_order(frame));
        case Link::worker:
            if (frame.header.type == MessageType::returned) {
                return as_any(decode_returned(frame));
            }
            return to_daemon ? as_any(decode_worker_report(frame))
                             : as_any(decode_job_offer(frame));
    }
    return fail(Errc::invalid, "no such link");
}

void set_tag(Request& request, Tag to)
{
    std::visit(
        [&](auto& message) {
            if constexpr (requires { message.tag; }) {
                message.tag = to;
            } else if constexpr (requires { message.first; }) {
                message.first = to;
            }
        },
        request);
}

}  // namespace jobmill::test
