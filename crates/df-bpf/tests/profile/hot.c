/* Two threads that are in one function nearly all the time, for as many seconds as the argument says. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static volatile unsigned long sum;
static time_t end;

__attribute__((noinline)) void hot_function(void)
{
	for (int i = 0; i < 1000000; i++)
		sum += i;
}

__attribute__((noinline)) void *calls_the_hot_one(void *nothing)
{
	while (time(NULL) < end)
		hot_function();
	return nothing;
}

int main(int count, char **arguments)
{
	pthread_t other;

	end = time(NULL) + (count > 1 ? atoi(arguments[1]) : 1);
	pthread_create(&other, NULL, calls_the_hot_one, NULL);
	calls_the_hot_one(NULL);
	pthread_join(other, NULL);
	return 0;
}
