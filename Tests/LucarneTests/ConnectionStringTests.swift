// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Lucarne

@Suite struct ConnectionStringTests {
    @Test(arguments: [
        ("postgresql://u:hush@h/d", "user=u password=******** dbname=d host=h"),
        ("postgresql://u:hush:hush@h/d", "user=u password=******** dbname=d host=h"),
        ("postgresql://u:hu%20sh@h/d", "user=u password=******** dbname=d host=h"),
        ("postgres://u@h/d?password=hush&sslpassword=hush", masks("user=u", "dbname=d host=h")),
        ("postgresql:///d?pass%77ord=hush&user=u", "user=u password=******** dbname=d"),
        ("host=h password='hush hush' user=u", "user=u password=******** host=h"),
        ("password = hush host = h", "password=******** host=h"),
        ("password='it\\'s hush' dbname='a b'", "password=******** dbname='a b'"),
        ("password=hu\\ sh application_name=''", "password=******** application_name=''"),
        ("password=hush password=hush user=u", "user=u password=********"),
        ("sslpassword=hush host=h", "host=h sslpassword=********"),
        ("postgresql://u:hush@h/d?nonsense=1", "********"), ("password='hush", "********"),
        ("hush", "********"), ("postgresql://u:hu/sh@h/d", "********"),
        ("postgresql://u:hu@sh@h/d", "********"), ("postgres://u:h/u?sh@h/d", "********"),
        ("postgresql://u:hu?sh@h/d", "user=u password=******** dbname=d host=h"),
        ("postgresql://u%40x@h/a%40b?options=a@b", "postgresql://u%40x@h/a%40b?options=a@b"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("host=h user=u", "host=h user=u"), ("postgresql://", "postgresql://"),
        ("@/run/secret", "@/run/secret"),
    ])
    func `a password in a connection string is masked`(url: String, masked: String) {
        #expect(Configuration.withoutPassword(url) == masked)
    }

    private static func masks(_ before: String, _ after: String) -> String {
        "\(before) password=******** \(after) sslpassword=********"
    }

    @Test(arguments: [
        "postgresql://u:hu/sh@h/d", "postgresql://u:hu@sh@h/d", "postgres://u:h/u?sh@h/d",
        "postgresql://u:hush@h/d?nonsense=1", "password='hush",
    ])
    func `a password that libpq does not see as one is nowhere repeated`(url: String) {
        let message = failure { try load(environment: ["DATABASE_URL": url]) }
        #expect(
            message
                == "database-url: its value is not a connection string (in a URL's password, "
                + "write %2F for / and %40 for @) (from environment DATABASE_URL)"
        )
    }
}
