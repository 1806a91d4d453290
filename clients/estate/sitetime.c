/* Time as people of the site read and write it: see sitetime.h. */
#include "sitetime.h"
#include "language.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define SECOND		INT64_C(1000000000)
#define ZONES		"/usr/share/zoneinfo/"

bool
sitetime_init(void)
{
	const char *zone = getenv("ESTATE_TZ");
	char path[256];

	if (zone == NULL || *zone == '\0')
		zone = "Asia/Shanghai";
	snprintf(path, sizeof(path), ZONES "%s", zone);
	if (zone[0] == '.' || strstr(zone, "..") != NULL || access(path, R_OK) != 0) {
		/* Without a zone the C library would silently say UTC; the site's default can be written out instead. */
		if (strcmp(zone, "Asia/Shanghai") != 0) {
			fprintf(stderr, phrase("estate: there is no time zone %s; ESTATE_TZ must be a name like Asia/Shanghai\n"), zone);
			return (false);
		}
		zone = "CST-8";
	}
	setenv("TZ", zone, 1);
	tzset();
	return (true);
}

int64_t
sitetime_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return ((int64_t)t.tv_sec * SECOND + t.tv_nsec);
}

/* Seconds rounded down, also before 1970, and what is left. */
static time_t
split(int64_t ns, uint32_t *nanos)
{
	int64_t s = ns / SECOND, left = ns % SECOND;

	if (left < 0) {
		left += SECOND;
		s--;
	}
	*nanos = (uint32_t)left;
	return ((time_t)s);
}

void
sitetime_brief(int64_t ns, char out[SITETIME_TEXT])
{
	uint32_t nanos;
	time_t s = split(ns, &nanos);
	struct tm tm;

	localtime_r(&s, &tm);
	strftime(out, SITETIME_TEXT, "%m-%d %H:%M:%S", &tm);
}

void
sitetime_due(int64_t ns, int64_t now, char out[SITETIME_TEXT])
{
	uint32_t nanos;
	time_t s = split(ns, &nanos), today = split(now, &nanos);
	struct tm tm, this;
	bool midnight;

	localtime_r(&s, &tm);
	if ((midnight = tm.tm_hour == 0 && tm.tm_min == 0 && tm.tm_sec == 0)) {
		s--;
		localtime_r(&s, &tm);
	}
	localtime_r(&today, &this);
	strftime(out, SITETIME_TEXT, midnight ? tm.tm_year == this.tm_year ? "%m-%d 24:00" : "%Y-%m-%d 24:00" :
	    tm.tm_year == this.tm_year ? "%m-%d %H:%M" : "%Y-%m-%d %H:%M", &tm);
}

void
sitetime_local(int64_t ns, unsigned decimals, char out[SITETIME_TEXT])
{
	uint32_t nanos, scale = 1;
	time_t s = split(ns, &nanos);
	struct tm tm;
	long offset;
	size_t n;

	localtime_r(&s, &tm);
	n = strftime(out, SITETIME_TEXT, "%Y-%m-%d %H:%M:%S", &tm);
	for (unsigned i = decimals; i < 9; i++)
		scale *= 10;
	if (decimals > 0)
		n += (size_t)snprintf(out + n, SITETIME_TEXT - n, ".%0*" PRIu32, (int)decimals, nanos / scale);
	offset = labs(tm.tm_gmtoff) / 60;
	snprintf(out + n, SITETIME_TEXT - n, " %c%02ld:%02ld", tm.tm_gmtoff < 0 ? '-' : '+', offset / 60, offset % 60);
}

void
sitetime_utc(int64_t seconds, uint32_t nanos, char out[SITETIME_TEXT])
{
	time_t s = (time_t)seconds;
	struct tm tm;
	size_t n;

	if (gmtime_r(&s, &tm) == NULL) {
		snprintf(out, SITETIME_TEXT, "%" PRId64, seconds);
		return;
	}
	n = strftime(out, SITETIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	if (nanos > 0)
		n += (size_t)snprintf(out + n, SITETIME_TEXT - n, ".%09" PRIu32, nanos);
	snprintf(out + n, SITETIME_TEXT - n, "Z");
}

void
sitetime_utc_ns(int64_t ns, char out[SITETIME_TEXT])
{
	uint32_t nanos;
	time_t s = split(ns, &nanos);
	struct tm tm;
	size_t n;

	gmtime_r(&s, &tm);
	n = strftime(out, SITETIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, SITETIME_TEXT - n, ".%09" PRIu32 "Z", nanos);
}

static int
days_of(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : days[month - 1]);
}

unsigned
sitetime_last_day(const char *text)
{
	int year, month, day;

	if (sscanf(text, "%4d-%2d-%2d", &year, &month, &day) != 3 || year < 1970 || month < 1 || month > 12 || day <= days_of(year, month))
		return (0);
	return ((unsigned)days_of(year, month));
}

/* "2026-11-24[( |T)05:06[:07[.5]][Z|+08:00]]"; without an offset it is site time. */
static bool
parse_calendar(const char *s, int64_t *ns)
{
	struct tm tm = { .tm_isdst = -1 };
	double fraction = 0;
	int n, hours, minutes;
	char sign;
	time_t t;

	if (sscanf(s, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &n) != 3 || tm.tm_year < 1970)
		return (false);
	s += n;
	if ((*s == ' ' || *s == 'T' || *s == 't') && isdigit((unsigned char)s[1])) {
		if (sscanf(s + 1, "%2d:%2d%n", &tm.tm_hour, &tm.tm_min, &n) != 2)
			return (false);
		s += 1 + n;
		if (*s == ':') {
			if (sscanf(s + 1, "%2d%n", &tm.tm_sec, &n) != 1)
				return (false);
			s += 1 + n;
		}
		if (*s == '.' && isdigit((unsigned char)s[1])) {
			char *end;

			fraction = strtod(s, &end);
			s = end;
		}
	}
	if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > days_of(tm.tm_year, tm.tm_mon) || tm.tm_hour > 23 || tm.tm_min > 59 ||
	    tm.tm_sec > 60)
		return (false);
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (*s == 'Z' || *s == 'z') {
		t = timegm(&tm);
		s++;
	} else if (*s == '+' || *s == '-') {
		if (sscanf(s, "%c%2d:%2d%n", &sign, &hours, &minutes, &n) != 3)
			return (false);
		t = timegm(&tm) - (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
		s += n;
	} else
		t = mktime(&tm);
	/* Nanoseconds end in 2262. */
	if (*s != '\0' || t < INT64_MIN / SECOND + 1 || t > INT64_MAX / SECOND - 1)
		return (false);
	*ns = (int64_t)t * SECOND + (int64_t)(fraction * 1e9);
	return (true);
}

/* Midnight of the day `days` before today, in site time. */
static int64_t
midnight(int64_t now, int days)
{
	time_t t = (time_t)(now / SECOND);
	struct tm tm;

	localtime_r(&t, &tm);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday -= days;
	tm.tm_isdst = -1;
	return ((int64_t)mktime(&tm) * SECOND);
}

/* "2 hours ago", "90s", "1 week ago". */
static bool
parse_ago(const char *s, int64_t now, int64_t *ns)
{
	static const struct {
		const char *name;
		int64_t seconds;
	} unit[] = {
		{ "s", 1 }, { "sec", 1 }, { "second", 1 }, { "m", 60 }, { "min", 60 }, { "minute", 60 }, { "h", 3600 },
		{ "hour", 3600 }, { "d", 86400 }, { "day", 86400 }, { "w", 604800 }, { "week", 604800 },
	};
	char name[16], ago[8];
	double count;
	int n = 0, fields;
	size_t len;

	if (!isdigit((unsigned char)*s))
		return (false);
	fields = sscanf(s, "%lf %15[a-zA-Z] %7s%n", &count, name, ago, &n);
	if (fields == 3 && (strcasecmp(ago, "ago") != 0 || s[n] != '\0'))
		return (false);
	if (fields < 2 || count > 1e6 || (fields == 2 && s[strcspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") +
	    strlen(name)] != '\0'))
		return (false);
	if ((len = strlen(name)) > 2 && name[len - 1] == 's')
		name[len - 1] = '\0';
	for (size_t i = 0; i < sizeof(unit) / sizeof(*unit); i++)
		if (strcasecmp(name, unit[i].name) == 0) {
			if (count * (double)unit[i].seconds > 3e9)
				return (false);		/* a hundred years */
			*ns = now - (int64_t)(count * (double)(unit[i].seconds * SECOND));
			return (true);
		}
	return (false);
}

bool
sitetime_parse(const char *text, int64_t now, int64_t *ns)
{
	if (strcasecmp(text, "now") == 0)
		*ns = now;
	else if (strcasecmp(text, "today") == 0)
		*ns = midnight(now, 0);
	else if (strcasecmp(text, "yesterday") == 0)
		*ns = midnight(now, 1);
	else
		return (parse_calendar(text, ns) || parse_ago(text, now, ns));
	return (true);
}

void
sitetime_span(struct buffer *b, int64_t ns, bool zh)
{
	int64_t s;

	if (ns < 0) {
		buffer_text(b, "-");
		ns = ns == INT64_MIN ? INT64_MAX : -ns;
	}
	s = ns / SECOND;
	if (ns == 0)
		buffer_text(b, zh ? "0 秒" : "0 s");
	else if (ns < SECOND / 1000)
		buffer_printf(b, zh ? "%" PRId64 " 微秒" : "%" PRId64 " us", ns / 1000);
	else if (s < 1)
		buffer_printf(b, zh ? "%" PRId64 " 毫秒" : "%" PRId64 " ms", ns / (SECOND / 1000));
	else if (s < 60)
		buffer_printf(b, zh ? "%" PRId64 ".%" PRId64 " 秒" : "%" PRId64 ".%" PRId64 " s", s, ns % SECOND / (SECOND / 10));
	else if (s < 3600)
		buffer_printf(b, zh ? "%" PRId64 " 分 %02" PRId64 " 秒" : "%" PRId64 " min %02" PRId64 " s", s / 60, s % 60);
	else if (s < 86400)
		buffer_printf(b, zh ? "%" PRId64 " 小时 %02" PRId64 " 分" : "%" PRId64 " h %02" PRId64 " min", s / 3600, s % 3600 / 60);
	else
		buffer_printf(b, zh ? "%" PRId64 " 天 %" PRId64 " 小时" : "%" PRId64 " d %" PRId64 " h", s / 86400, s % 86400 / 3600);
}

void
sitetime_seconds(struct buffer *b, int64_t s, bool zh)
{
	if (s > -60 && s < 60)
		buffer_printf(b, zh ? "%" PRId64 " 秒" : "%" PRId64 " s", s);
	else
		sitetime_span(b, s * SECOND, zh);
}
