ESTATE_SRC = \
	clients/estate/main.c \
	clients/estate/cmd_generate.c \
	clients/estate/cmd_types.c
