PROTO_SRC = \
	proto/base/log.c \
	proto/base/nearest.c \
	proto/base/notify.c \
	proto/base/rfc3339.c \
	proto/mp.c \
	proto/errcode.c \
	proto/catalogue.c \
	proto/catalogue_check.c \
	proto/catalogue_fault.c \
	proto/event.c \
	proto/curvekey.c
