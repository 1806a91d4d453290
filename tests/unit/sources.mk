UNIT_TESTS += \
	test_block \
	test_bloom \
	test_catalogue \
	test_catalogue_check \
	test_catalogue_released \
	test_ceiling \
	test_clients \
	test_dedup \
	test_errcode \
	test_event \
	test_filter \
	test_json \
	test_keys_month \
	test_libestate_put \
	test_libestate_subscribe \
	test_libestate_window \
	test_logclock \
	test_mp \
	test_nearest \
	test_outbox \
	test_recent \
	test_registry \
	test_rfc3339 \
	test_seal \
	test_settings \
	test_shell
