UNIT_TESTS =

FUZZ_REPLAYS =

-include tests/unit/sources.mk
-include tests/fuzz/sources.mk
