ESTATE_SRC = \
	clients/estate/main.c \
	clients/estate/cmd_generate.c \
	clients/estate/cmd_types.c \
	clients/estate/language.c \
	clients/estate/types_json.c \
	clients/estate/types_kind.c \
	clients/estate/types_markdown.c \
	clients/estate/types_released.c
