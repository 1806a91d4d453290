LIBESTATE_SRC = \
	clients/libestate/handle.c \
	clients/libestate/transport.c \
	clients/libestate/session.c \
	clients/libestate/answer.c \
	clients/libestate/put.c \
	clients/libestate/window.c \
	clients/libestate/subscribe.c \
	clients/libestate/request.c \
	clients/libestate/fault.c

ESTATE_SRC = \
	clients/estate/main.c \
	clients/estate/cmd_generate.c \
	clients/estate/cmd_types.c
