FUZZ_REPLAYS = \
	replay_event \
	replay_frame
