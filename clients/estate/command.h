/*
 * The verbs of `estate`.  Each lives in a file of its own, cmd_<verb>.c, takes the arguments from its own name on
 * (argv[0] is the verb) and returns the exit status: 0 done, 1 done in part or refused, 2 wrong usage, 3 could not reach or read.
 * A verb prints data on stdout and everything else on stderr.
 */
#ifndef COMMAND_H
#define COMMAND_H

int	cmd_put(int argc, char **argv);
int	cmd_import(int argc, char **argv);
int	cmd_outbox(int argc, char **argv);
int	cmd_tail(int argc, char **argv);
int	cmd_get(int argc, char **argv);
int	cmd_case(int argc, char **argv);
int	cmd_person(int argc, char **argv);
int	cmd_retention(int argc, char **argv);
int	cmd_status(int argc, char **argv);
int	cmd_consumers(int argc, char **argv);
int	cmd_consumer(int argc, char **argv);
int	cmd_agenda(int argc, char **argv);
int	cmd_callback(int argc, char **argv);
int	cmd_report(int argc, char **argv);
int	cmd_arrears(int argc, char **argv);
int	cmd_household(int argc, char **argv);
int	cmd_ask(int argc, char **argv);
int	cmd_calendar(int argc, char **argv);
int	cmd_obligations(int argc, char **argv);
int	cmd_simulate(int argc, char **argv);
int	cmd_parked(int argc, char **argv);
int	cmd_ping(int argc, char **argv);
int	cmd_backup(int argc, char **argv);
int	cmd_archive(int argc, char **argv);
int	cmd_verify(int argc, char **argv);
int	cmd_repair(int argc, char **argv);
int	cmd_clock(int argc, char **argv);
int	cmd_client(int argc, char **argv);
int	cmd_keygen(int argc, char **argv);
int	cmd_bench(int argc, char **argv);
int	cmd_form(int argc, char **argv);
int	cmd_generate(int argc, char **argv);
int	cmd_types(int argc, char **argv);

#endif
