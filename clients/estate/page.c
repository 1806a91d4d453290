/* Pages for paper: see page.h. */
#include "page.h"

#include <string.h>

#include "paint.h"

static const char style_of_all[] =
"@page{size:A4;margin:14mm 12mm}body{font:10.5pt/1.35 'Noto Sans CJK SC','Noto Sans SC','Source Han Sans SC',sans-serif;color:#000;margin:0}"
"@media screen{body{max-width:186mm;margin:8mm auto;padding:0 4mm}}"
"h1{font-size:15pt;margin:0 0 1mm}h1 small{font-weight:normal;font-size:10.5pt;margin-left:4mm}section{break-after:page}section:last-child{break-after:auto}"
"table{width:100%;border-collapse:collapse;margin-top:3mm}th,td{border:.3mm solid #555;padding:1.2mm 1.6mm;text-align:left;vertical-align:top}"
"thead{display:table-header-group}tr{break-inside:avoid}th{background:#eee;font-weight:600}.w{white-space:nowrap}.o{font-weight:700}"
".s{font-size:9pt;color:#333}footer{margin-top:4mm;font-size:9pt}";

/* On a telephone, behind all other style: a wide table moves by itself and the page stays, the boxes of a form stand below each other. */
static const char style_of_narrow[] =
"@media screen and (max-width:600px){table{display:block;overflow-x:auto}td:first-child,th:first-child{white-space:nowrap}"
"table.f,.f tbody,table.f tr,table.f th,table.f td{display:block;width:auto;white-space:normal}table.f td{min-height:6mm;height:auto}"
"table.f th:empty,table.f th:empty+td{display:none}}";

void
page_begin(struct buffer *b, const char *title, bool zh, const char *style)
{
	buffer_printf(b, "<!DOCTYPE html>\n<html lang=%s><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>", zh ? "zh" : "en");
	page_text(b, title, strlen(title));
	buffer_printf(b, "</title><style>%s%s%s</style>\n", style_of_all, style, style_of_narrow);
}

void
page_end(struct buffer *b)
{
	buffer_text(b, "</html>\n");
}

void
page_text(struct buffer *b, const char *s, size_t len)
{
	struct buffer clean = { NULL, 0, 0 };

	paint_clean(&clean, s, len, 0);
	for (size_t i = 0; i < clean.len; i++)
		switch (clean.data[i]) {
		case '&':
			buffer_text(b, "&amp;");
			break;
		case '<':
			buffer_text(b, "&lt;");
			break;
		case '>':
			buffer_text(b, "&gt;");
			break;
		case '"':
			buffer_text(b, "&quot;");
			break;
		default:
			buffer_add(b, &clean.data[i], 1);
		}
	buffer_free(&clean);
}

void
page_move(struct buffer *b, struct buffer *text)
{
	page_text(b, text->data != NULL ? text->data : "", text->len);
	buffer_clear(text);
}
