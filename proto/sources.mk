PROTO_SRC = \
	proto/mp.c \
	proto/event.c \
	proto/errcode.c \
	proto/catalogue.c \
	proto/catalogue_check.c
