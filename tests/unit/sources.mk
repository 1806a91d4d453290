UNIT_TESTS = \
	test_libestate_put \
	test_libestate_subscribe \
	test_libestate_window
