//! The history.

use chrono::{Datelike as _, NaiveDate, Weekday};

use crate::text::deferred::HistoryPage;
use crate::text::ja::format::{cases, date};
use crate::text::ja::spaced;

pub(super) const HISTORY: HistoryPage = HistoryPage {
    history: "履歴",
    title_of: |what| format!("{what} · 履歴"),
    save_csv: "この履歴を CSV に保存",
    loading: "履歴を読み込んでいます",
    not_loaded: "履歴を読み込めませんでした",
    none: "履歴はまだありません",
    none_why: "タスクと、ECoMan 以外によるホスト上の変更が、ここに表示されます。",
    no_such_line: "一致する履歴はありません",
    no_such_line_why: "保持期間内にフィルタに一致するものはありません。",
    whole: "フィルタをクリア",
    older: "以前の履歴",
    search_on: "まだ見つかりません。検索を続行",
    show_new: |count| spaced(&["新しい", &cases(count), "を表示"]),
    times_in,
    day,
    time: "時刻",
    vm: "仮想マシン",
    node: "ホスト",
    what: "内容",
    initiator: "開始者",
    result: "結果",
    took: "所要時間",
    outside: "ECoMan 以外",
    ecoman: "ECoMan",
    every_node: "すべてのホスト",
    search: "仮想マシン、ホスト、ユーザー、語句",
    user: "ユーザー",
    date: "日付",
    only_vm: |vm| spaced(&["仮想マシン: ", vm]),
    without_vm: "すべての仮想マシンを表示",
    group_tasks: "タスク",
    group_power: "電源",
    group_presence: "出現と消失",
    group_size: "サイズ",
    group_address: "IP アドレス",
    group_names: "名前とメモ",
    group_nodes: "ホスト",
    card: "タスクおよびイベント",
    card_none: "保持期間内の履歴はありません。",
    card_all: "すべて表示",
};

fn times_in(minutes_east: i32) -> String {
    let (sign, minutes_of_day) = match minutes_east {
        540 => return "時刻は日本時間".to_owned(),
        0 => return "時刻は UTC".to_owned(),
        ..0 => ('−', minutes_east.abs()),
        _ => ('+', minutes_east),
    };
    match (minutes_of_day / 60, minutes_of_day % 60) {
        (hours, 0) => format!("時刻は UTC{sign}{hours}"),
        (hours, minutes) => format!("時刻は UTC{sign}{hours}:{minutes:02}"),
    }
}

fn day(day: NaiveDate, today: NaiveDate) -> (String, String) {
    let date = date(&day);
    let weekday = match day.weekday() {
        Weekday::Mon => "月",
        Weekday::Tue => "火",
        Weekday::Wed => "水",
        Weekday::Thu => "木",
        Weekday::Fri => "金",
        Weekday::Sat => "土",
        Weekday::Sun => "日",
    };
    let dated = format!("{date}（{weekday}）");
    if day == today {
        ("今日".to_owned(), dated)
    } else if Some(day) == today.pred_opt() {
        ("昨日".to_owned(), dated)
    } else {
        (dated, String::new())
    }
}
