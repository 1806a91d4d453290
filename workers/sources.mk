HARNESS_SRC = \
	workers/harness/main.c \
	workers/harness/live.c \
	workers/harness/delivery.c \
	workers/harness/turn.c \
	workers/harness/ends.c \
	workers/harness/asked.c \
	workers/harness/effects.c \
	workers/harness/page.c \
	workers/harness/rehearse.c \
	workers/harness/rehearse_loop.c \
	workers/harness/rehearse_ask.c \
	workers/harness/respond.c \
	workers/harness/respond_event.c \
	workers/harness/respond_read.c \
	workers/harness/respond_parts.c \
	workers/harness/rebuild.c \
	workers/harness/inbox.c \
	workers/harness/engine.c \
	workers/harness/call.c \
	workers/harness/event_data.c \
	workers/harness/emit.c \
	workers/harness/timers.c \
	workers/harness/parked.c \
	workers/harness/outbox.c \
	workers/harness/config.c \
	workers/harness/query.c \
	workers/harness/reply.c \
	workers/harness/figures.c \
	workers/harness/state.c \
	workers/harness/state_open.c \
	workers/harness/conf.c \
	workers/harness/calendar_read.c \
	workers/harness/calendar_days.c \
	workers/harness/calendar_due.c \
	workers/harness/calendar_text.c \
	workers/harness/roster_read.c \
	workers/harness/shape.c \
	workers/harness/site.c \
	workers/harness/roster.c \
	workers/harness/yamltext.c \
	workers/harness/zone.c \
	workers/harness/jsonl.c \
	workers/harness/seen.c

# estate-escalate, all but its main.
ESCALATE_SRC = \
	workers/escalate/concern.c \
	workers/escalate/correct.c \
	workers/escalate/record.c \
	workers/escalate/subject.c \
	workers/escalate/activate.c \
	workers/escalate/period.c \
	workers/escalate/duty.c \
	workers/escalate/oblige.c \
	workers/escalate/merge.c \
	workers/escalate/history.c \
	workers/escalate/rest.c \
	workers/escalate/act.c \
	workers/escalate/plan.c \
	workers/escalate/tell.c \
	workers/escalate/ask.c \
	workers/escalate/row.c \
	workers/escalate/about.c \
	workers/escalate/trigger.c \
	workers/escalate/rule_read.c \
	workers/escalate/rule_trigger.c \
	workers/escalate/rule_parts.c

# estate-callback, all but its main.
CALLBACK_SRC = \
	workers/callback/matter.c \
	workers/callback/repair.c \
	workers/callback/calls.c \
	workers/callback/resident.c \
	workers/callback/plan.c \
	workers/callback/result.c \
	workers/callback/visit.c \
	workers/callback/owe.c \
	workers/callback/assign.c \
	workers/callback/draw.c \
	workers/callback/budget.c \
	workers/callback/audit.c \
	workers/callback/clock.c \
	workers/callback/tell.c \
	workers/callback/agenda.c \
	workers/callback/ask.c \
	workers/callback/book.c \
	workers/callback/record.c \
	workers/callback/policy_read.c

# estate-notify, all but its main.
NOTIFY_SRC = \
	workers/notify/settings.c \
	workers/notify/row.c \
	workers/notify/plan.c \
	workers/notify/fate.c \
	workers/notify/digest.c \
	workers/notify/house.c \
	workers/notify/staff.c \
	workers/notify/ask.c \
	workers/notify/sender.c \
	workers/notify/flight.c \
	workers/notify/letter.c \
	workers/notify/template.c \
	workers/notify/template_named.c \
	workers/notify/segment.c \
	workers/notify/contacts.c \
	workers/notify/carry.c \
	workers/notify/carry_http.c \
	workers/notify/carry_mail.c \
	workers/notify/carry_spool.c \
	workers/notify/paper.c \
	workers/notify/receipts.c \
	workers/notify/dryrun.c

# estate-dunning, all but its main.
DUNNING_SRC = \
	workers/dunning/journal.c \
	workers/dunning/bills.c \
	workers/dunning/payments.c \
	workers/dunning/debtors.c \
	workers/dunning/rest.c \
	workers/dunning/steps.c \
	workers/dunning/notices.c \
	workers/dunning/tell.c \
	workers/dunning/days.c \
	workers/dunning/ask.c \
	workers/dunning/ask_figures.c \
	workers/dunning/account.c \
	workers/dunning/ladder_read.c

# estate-stats, all but its main.
STATS_SRC = \
	workers/stats/fact.c \
	workers/stats/take.c \
	workers/stats/object.c \
	workers/stats/aspect.c \
	workers/stats/aspect_case.c \
	workers/stats/aspect_rest.c \
	workers/stats/aspect_house.c \
	workers/stats/contact.c \
	workers/stats/measure.c \
	workers/stats/measure_read.c \
	workers/stats/member.c \
	workers/stats/member_bytes.c \
	workers/stats/period.c \
	workers/stats/target.c \
	workers/stats/draft.c \
	workers/stats/recount.c \
	workers/stats/ask.c \
	workers/stats/ask_figures.c \
	workers/stats/ask_explain.c
