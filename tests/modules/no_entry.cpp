// SPDX-License-Identifier: MIT
extern "C" int jobmill_test_of_nothing();
int jobmill_test_of_nothing()
{
    return 0;
}
