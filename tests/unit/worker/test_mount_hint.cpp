// SPDX-License-Identifier: MIT
#include <cerrno>

#include <doctest/doctest.h>

#include "worker/mount_hint.hpp"

using namespace jobmill;

namespace {

/// As systemd 252 arranges them for a unit with ProtectHome=yes and PrivateTmp=yes.
constexpr auto in_a_service =
    "552 466 254:1 / / ro,relatime shared:1 - ext4 /dev/vda1 rw\n"
    "561 552 0:24 /systemd/inaccessible/dir /home ro,nosuid,nodev,noexec shared:5 master:2 - tmpfs "
    "tmpfs rw,mode=755\n"
    "562 552 0:24 /systemd/inaccessible/dir /root ro,nosuid - tmpfs tmpfs rw,mode=755\n"
    "563 552 254:1 /tmp/systemd-private-6f5e-jobmilld.service-x4Pn/tmp /tmp rw,relatime - ext4 "
    "/dev/vda1 rw\n"
    "564 552 0:24 /systemd/inaccessible/dir /srv/secret ro - tmpfs tmpfs rw\n"
    "565 552 0:51 / /srv/data rw - nfs4 server:/data rw\n";

}  // namespace

TEST_CASE("a home that a service does not see is named with what hides it")
{
    for (const char* const path : {"/home/anna/data", "/home"}) {
        CHECK(hint_from_mounts(path, in_a_service) ==
              " (this service does not see /home: ProtectHome= of its unit)");
    }
    CHECK(hint_from_mounts("/root/x", in_a_service).find("/root: ProtectHome=") !=
          std::string::npos);
    CHECK(
        hint_from_mounts("/home/a", "9 1 0:5 / /home ro - tmpfs tmpfs ro\n").find("ProtectHome=") !=
        std::string::npos);
}

TEST_CASE("a directory for temporary files of the service's own is named")
{
    CHECK(hint_from_mounts("/tmp/x", in_a_service) ==
          " (this service has its own /tmp: PrivateTmp= of its unit)");
}

TEST_CASE("what else a unit hides is named as well")
{
    CHECK(hint_from_mounts("/srv/secret/x", in_a_service) ==
          " (this service does not see /srv/secret: InaccessiblePaths= of its unit)");
}

TEST_CASE("what everybody sees needs no hint")
{
    for (const char* const path : {"/etc/x", "/homes/anna", "/tmpx", "/srv/data/x", "/", "x", ""}) {
        CAPTURE(path);
        CHECK(hint_from_mounts(path, in_a_service).empty());
    }
}

TEST_CASE("the latest mount in a place is the one that counts")
{
    const std::string mounts =
        "1 0 0:1 / /tmp rw - tmpfs t rw\n2 1 0:2 /tmp/systemd-private-1/tmp /tmp rw - ext4 d rw\n";
    CHECK_FALSE(hint_from_mounts("/tmp/x", mounts).empty());
    CHECK(hint_from_mounts("/tmp/x", mounts + "3 2 0:3 / /tmp rw - tmpfs t rw\n").empty());
}

TEST_CASE("mounts that make no sense are no hint")
{
    for (const char* const text : {"", "\n", "1 2 3", "x - y", "1 2 3 4 5", " - - - - - - \n\n"}) {
        CHECK(hint_from_mounts("/tmp/x", text).empty());
    }
}

TEST_CASE("other errors than those of sight get no hint, nor relative paths")
{
    CHECK(mount_hint("/tmp/x", EIO).empty());
    CHECK(mount_hint("tmp/x", ENOENT).empty());
}
