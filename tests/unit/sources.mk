UNIT_TESTS += \
	test_errcode \
	test_rfc3339 \
	test_nearest \
	test_catalogue \
	test_catalogue_check \
	test_catalogue_released \
	test_json \
	test_libestate_put \
	test_libestate_subscribe \
	test_libestate_window \
	test_mp \
	test_shell
