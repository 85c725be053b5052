/* A program that checks its own code: ends itself by abort() when it finds a breakpoint in its functions, else after a while.
 *
 *     guarded MILLISECONDS
 */
#include <stdlib.h>
#include <unistd.h>

enum { BREAKPOINT = 0xcc };

__attribute__((noinline)) int SSL_read(void *connection, void *buffer, int length)
{
	return connection && buffer ? length : -1;
}

__attribute__((noinline)) int SSL_write(void *connection, const void *buffer, int length)
{
	return connection && buffer ? length : -2;
}

int main(int count, char **arguments)
{
	volatile unsigned char *functions[] = { (unsigned char *)SSL_read, (unsigned char *)SSL_write };
	int milliseconds = count == 2 ? atoi(arguments[1]) : 0;

	/* Whoever hooks programs has had the time to. */
	usleep(500 * 1000);
	for (int elapsed = 0; elapsed < milliseconds; elapsed += 5) {
		for (int index = 0; index < 2; index++)
			for (int offset = 0; offset < 8; offset++)
				if (functions[index][offset] == BREAKPOINT)
					abort();
		usleep(5000);
	}
	return 0;
}
