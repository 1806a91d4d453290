/* Charts for paper: see chart.h.  Lengths are units of a drawing that is 720 wide. */
#include "chart.h"

#include <inttypes.h>
#include <string.h>

#include "page.h"
#include "paint.h"

#define WIDTH		720u
#define LEFT		40u		/* room for the first label where they lie aslant */
#define RIGHT		40u		/* room for the words at a line */
#define TOP		22u
#define HEIGHT		130u		/* of the bars */
#define BELOW		58u		/* labels, which lie aslant where there are many */
#define FULL		10000u		/* 100 % */
#define COLUMN		7u		/* of text */
#define RATE_STEP	42u		/* what a rate with its decimals takes */
#define ASLANT_COLUMNS	10u		/* of a label, that it does not leave the drawing */

struct plot {
	struct buffer *b;
	unsigned step, bar;		/* one bar's room, and the bar in it */
	bool aslant;			/* the labels: one of them is wider than that */
	uint64_t top;			/* the value at the top of the scale */
};

static struct plot
begin(struct buffer *b, const struct bar *bars, unsigned count, uint64_t top)
{
	struct plot p = { .b = b, .top = top > 0 ? top : 1 };

	p.step = (WIDTH - LEFT - RIGHT) / (count > 0 ? count : 1);
	if (p.step > 110)
		p.step = 110;
	p.bar = p.step * 6 / 10;
	for (unsigned i = 0; i < count; i++)
		p.aslant |= paint_width(bars[i].label, strlen(bars[i].label)) > p.step / COLUMN;
	buffer_printf(b, "<svg class=c viewBox=\"0 0 %u %u\" role=img>", WIDTH, TOP + HEIGHT + BELOW);
	buffer_printf(b, "<line x1=%u y1=%u x2=%u y2=%u stroke=#000 />", LEFT, TOP + HEIGHT, WIDTH - RIGHT, TOP + HEIGHT);
	return (p);
}

static void
end(struct plot *p)
{
	buffer_text(p->b, "</svg>\n");
}

static unsigned
height_of(const struct plot *p, uint64_t value)
{
	return ((unsigned)(value >= p->top ? HEIGHT : value * HEIGHT / p->top));
}

static unsigned
middle(const struct plot *p, unsigned i)
{
	return (LEFT + i * p->step + p->step / 2);
}

/* A word below its bar, clipped to what fits there. */
static void
label(struct plot *p, unsigned i, const char *text)
{
	unsigned x = middle(p, i), y = TOP + HEIGHT + 14;
	struct buffer fit = { NULL, 0, 0 };

	paint_clean(&fit, text, strlen(text), p->aslant ? ASLANT_COLUMNS : 0);
	buffer_printf(p->b, "<text x=%u y=%u text-anchor=%s%s", x, y, p->aslant ? "end" : "middle", p->aslant ? "" : ">");
	if (p->aslant)
		buffer_printf(p->b, " transform=\"rotate(-40 %u %u)\">", x, y);
	page_move(p->b, &fit);
	buffer_text(p->b, "</text>");
	buffer_free(&fit);
}

static void
draw_bar(struct plot *p, unsigned i, const struct bar *bar)
{
	unsigned h = height_of(p, bar->value), x = middle(p, i) - p->bar / 2;

	if (bar->known)
		buffer_printf(p->b, "<rect x=%u y=%u width=%u height=%u fill=%s stroke=#000 />", x, TOP + HEIGHT - h, p->bar, h, bar->strong ? "#888" : "#ddd");
	label(p, i, bar->label);
}

/* Where bars stand close the whole per cent, cut as all rates are: the decimals are in the table. */
static void
add_rate(struct buffer *b, uint64_t rate, bool close)
{
	if (close)
		buffer_printf(b, "%" PRIu64 "%%", rate / 100);
	else
		buffer_printf(b, "%" PRIu64 ".%02" PRIu64 "%%", rate / 100, rate % 100);
}

/* A dashed line across, with its value at the end. */
static void
line_at(struct plot *p, uint64_t value)
{
	unsigned y = TOP + HEIGHT - height_of(p, value);

	buffer_printf(p->b, "<line x1=%u y1=%u x2=%u y2=%u stroke=#000 stroke-dasharray=\"4 3\" /><text x=%u y=%u>%" PRIu64 "%%</text>", LEFT, y, WIDTH - RIGHT, y,
	    WIDTH - RIGHT + 4, y + 4, value / 100);
}

void
chart_pareto(struct buffer *b, const struct bar *bars, unsigned count, unsigned share, bool zh)
{
	uint64_t all = 0, sum = 0;
	struct plot p;

	for (unsigned i = 0; i < count; i++)
		all += bars[i].value;
	p = begin(b, bars, count, all);
	for (unsigned i = 0; i < count; i++) {
		draw_bar(&p, i, &bars[i]);
		buffer_printf(b, "<text x=%u y=%u text-anchor=middle>%" PRIu64 "</text>", middle(&p, i), TOP + HEIGHT - height_of(&p, bars[i].value) - 4, bars[i].value);
	}
	/* The share of the whole is on the same scale: the whole is its top. */
	p.top = FULL;
	line_at(&p, (uint64_t)share * 100);
	buffer_text(b, "<polyline fill=none stroke=#000 stroke-width=1.5 points=\"");
	for (unsigned i = 0; i < count && all > 0; i++) {
		sum += bars[i].value;
		buffer_printf(b, "%s%u,%u", i > 0 ? " " : "", middle(&p, i), TOP + HEIGHT - (unsigned)(sum * HEIGHT / all));
	}
	buffer_text(b, "\" />");
	sum = 0;
	for (unsigned i = 0; i < count && all > 0; i++) {
		unsigned y;

		sum += bars[i].value;
		y = TOP + HEIGHT - (unsigned)(sum * HEIGHT / all);
		buffer_printf(b, "<circle cx=%u cy=%u r=2.5 />", middle(&p, i), y);
		/* The first point is its bar's top, whose number stands there. */
		if (i > 0 && p.step >= 30)
			buffer_printf(b, "<text x=%u y=%u text-anchor=middle>%" PRIu64 "%%</text>", middle(&p, i), y - 5, sum * 100 / all);
	}
	buffer_printf(b, "<text x=%u y=10 class=t>%s</text>", LEFT, zh ? "柱：件数；线：累计百分比" : "bars: number; line: cumulative share");
	end(&p);
}

void
chart_rates(struct buffer *b, const struct bar *bars, unsigned count, int64_t target, bool zh)
{
	struct plot p = begin(b, bars, count, FULL);

	for (unsigned i = 0; i < count; i++)
		draw_bar(&p, i, &bars[i]);
	if (target >= 0)
		line_at(&p, (uint64_t)target);
	/* Over the line. */
	for (unsigned i = 0; i < count; i++) {
		buffer_printf(b, "<text x=%u y=%u text-anchor=middle%s>", middle(&p, i), TOP + HEIGHT - (bars[i].known ? height_of(&p, bars[i].value) : 0) - 4,
		    p.step < 50 ? " class=t" : "");
		if (bars[i].known)
			add_rate(b, bars[i].value, p.step < RATE_STEP);
		else
			buffer_text(b, zh ? "无" : "n/a");
		buffer_text(b, "</text>");
	}
	end(&p);
}

void
chart_counts(struct buffer *b, const struct bar *bars, unsigned count)
{
	uint64_t most = 0;
	struct plot p;

	for (unsigned i = 0; i < count; i++)
		if (bars[i].value > most)
			most = bars[i].value;
	p = begin(b, bars, count, most);
	for (unsigned i = 0; i < count; i++) {
		draw_bar(&p, i, &bars[i]);
		buffer_printf(b, "<text x=%u y=%u text-anchor=middle>%" PRIu64 "</text>", middle(&p, i), TOP + HEIGHT - height_of(&p, bars[i].value) - 4, bars[i].value);
	}
	end(&p);
}
