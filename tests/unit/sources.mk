UNIT_TESTS += \
	test_block \
	test_bloom \
	test_dedup \
	test_event \
	test_filter \
	test_json \
	test_keys_month \
	test_libestate_put \
	test_libestate_subscribe \
	test_libestate_window \
	test_logclock \
	test_mp \
	test_recent \
	test_settings \
	test_shell
