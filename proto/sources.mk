PROTO_SRC = \
	proto/mp.c \
	proto/errcode.c \
	proto/catalogue.c \
	proto/catalogue_check.c \
	proto/catalogue_fault.c \
	proto/base/nearest.c \
	proto/base/rfc3339.c
