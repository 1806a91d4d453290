UNIT_TESTS += \
	test_json \
	test_libestate_put \
	test_libestate_subscribe \
	test_libestate_window \
	test_mp \
	test_shell
