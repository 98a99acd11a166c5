"""Small programs, one for each language, in which tests make holes."""

from pathlib import Path

ROOT = Path(__file__).parents[2]

PROGRAMS = {
    "python": (ROOT / "lsp" / "assistant_lsp" / "completion.py").read_text("utf-8"),
    "typescript": (ROOT / "editors" / "vscode" / "src" / "client.ts").read_text("utf-8"),
    "lua": (ROOT / "editors" / "nvim" / "lua" / "assistant.lua").read_text("utf-8"),
    "go": """package stock

import (
	"errors"
	"fmt"
)

// Shelf holds items by name.
type Shelf struct {
	items map[string]int
	limit int
}

// Add puts some more of an item on the shelf.
func (s *Shelf) Add(name string, count int) error {
	if count < 0 {
		return errors.New("less than nothing")
	}
	for known, held := range s.items {
		if known == name && held+count > s.limit {
			return fmt.Errorf("%s: too many (%d)", name, held+count)
		}
	}

	s.items[name] += count
	return nil
}

func main() {
	shelf := &Shelf{
		items: map[string]int{"pens": 3},
		limit: 10,
	}
	if err := shelf.Add("pens", 4); err != nil {
		fmt.Println(err)
	}
}
""",
    "rust": """use std::collections::HashMap;

/// Items by name.
#[derive(Debug, Default)]
pub struct Shelf {
    items: HashMap<String, u32>,
    limit: u32,
}

impl Shelf {
    pub fn add(&mut self, name: &str, count: u32) -> Result<u32, String> {
        let held = self.items.entry(name.to_string()).or_insert(0);
        if *held + count > self.limit {
            return Err(format!("{}: too many ({})", name, count));
        }

        *held += count;
        Ok(*held)
    }

    pub fn total(&self) -> u32 {
        self.items.values().map(|count| count * 2).sum()
    }
}

fn main() {
    let mut shelf = Shelf { limit: 10, ..Shelf::default() };
    match shelf.add("pens", 4) {
        Ok(held) => println!("{held}"),
        Err(problem) => {
            eprintln!("{problem}");
        }
    }
}
""",
    "java": """package stock;

import java.util.HashMap;
import java.util.Map;

/** Items by name. */
public class Shelf {
    private final Map<String, Integer> items = new HashMap<>();
    private final int limit;

    public Shelf(int limit) {
        this.limit = limit;
    }

    public int add(String name, int count) {
        int held = items.getOrDefault(name, 0);
        if (held + count > limit) {
            throw new IllegalArgumentException(name + ": too many (" + count + ")");
        }

        items.put(name, held + count);
        return items.get(name);
    }

    public static void main(String[] args) {
        Shelf shelf = new Shelf(10);
        for (String name : args) {
            System.out.println(shelf.add(name, 1));
        }
    }
}
""",
    "cpp": """#include <map>
#include <stdexcept>
#include <string>

namespace stock {

// Items by name.
class Shelf {
public:
    explicit Shelf(int limit) : limit_(limit) {}

    int add(const std::string &name, int count)
    {
        int held = items_[name];
        if (held + count > limit_) {
            throw std::invalid_argument(name + ": too many (" + std::to_string(count) + ")");
        }

        items_[name] = held + count;
        return items_[name];
    }

private:
    std::map<std::string, int> items_;
    int limit_;
};

}  // namespace stock

int main()
{
    stock::Shelf shelf(10);
    for (int i = 0; i < 3; i++) {
        shelf.add("pens", i);
    }
    return 0;
}
""",
    "bash": """#!/bin/bash
set -eu

# Add to what is on the shelf.
add() {
    local name=$1 count=$2
    if [ "$count" -lt 0 ]; then
        echo "less than nothing (really)" >&2
        return 1
    fi

    for known in pens ink; do
        if [[ $known == "$name" ]]; then
            held=$(cat "shelf/$name")
            echo $((held + count)) > "shelf/$name"
        fi
    done
}

while read -r line; do
    add "$line" 1
done < items.txt
add pens 4
""",
}
