import test from "ava";
import { buildDate, createdDate } from "../../src/layout/build-date.ts";

const dates: readonly (readonly [seconds: number, zone: string, date: string])[] = [
  [1795440971, "UTC", "Monday_23_November_2026_13:36:11_UTC"],
  [1704096303, "Europe/Berlin", "Monday_1_January_2024_9:5:3_CET"],
  [1720771200, "Europe/Berlin", "Friday_12_July_2024_10:0:0_CEST"],
  [0, "UTC", "Thursday_1_January_1970_0:0:0_UTC"],
  [1704096303, "America/New_York", "Monday_1_January_2024_3:5:3_EST"],
  [1704096303, "Europe/London", "Monday_1_January_2024_8:5:3_GMT"],
  [1704096303, "Asia/Tokyo", "Monday_1_January_2024_17:5:3_JST"],
  [1704096303, "Australia/Sydney", "Monday_1_January_2024_19:5:3_AEDT"],
  [1704096303, "America/Sao_Paulo", "Monday_1_January_2024_5:5:3_-03"],
  [1704096303, "Asia/Kathmandu", "Monday_1_January_2024_13:50:3_+0545"],
];

for (const [seconds, timeZone, date] of dates) {
  test(`${seconds} in ${timeZone} is ${date}`, (t) => {
    t.is(buildDate({ seconds, timeZone }), date);
  });
}

test("without a zone it is the machine's", (t) => {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  t.is(buildDate({ seconds: 1720771200 }), buildDate({ seconds: 1720771200, timeZone }));
});

test("the OCI date is RFC 3339 in UTC", (t) => {
  t.is(createdDate({ seconds: 1704096303, timeZone: "Europe/Berlin" }), "2024-01-01T08:05:03Z");
});
